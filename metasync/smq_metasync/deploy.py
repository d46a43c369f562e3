"""What a scheduled collection in Google Cloud needs, as files for review; nothing is applied here.

One account collects and may read metadata and write one bucket, another one may only call the
function. The function answers nobody else. Values are written as constants of the files, quoted
for the language they stand in.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,26}[a-z0-9])?")
_PROJECT = re.compile(r"[a-z0-9.:-]{4,60}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_SCHEDULE = re.compile(r"[0-9A-Za-z*,/ -]{9,60}")
ENTRY_POINT = "update_metadata_cache"
RUNTIME = "python313"
_KEY, _SECRET = "SMQ_LLM_API_KEY", "smq-llm-api-key"


class DeployError(Exception):
    """A value that cannot be deployed; `str(error)` is one line for the person."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """`datasets` are `project.dataset`, on which the collector may look; empty: the project's."""

    project: str
    bucket: str
    region: str
    datasets: tuple[str, ...] = ()
    schedule: str = "0 17 * * *"
    name: str = "smq-metasync"
    runs_queries: bool = True
    """Whether examples are tried or values looked at, which needs more rights."""
    reads_values: bool = False
    snapshot_days: int = 30
    target_table: str = ""
    asks_model: bool = False
    """Whether a language model writes examples; its key is then a secret of that project."""

    def __post_init__(self) -> None:
        for what, pattern, value in (
            ("project", _PROJECT, self.project),
            ("bucket", _BUCKET, self.bucket),
            ("region", _REGION, self.region),
            ("schedule", _SCHEDULE, self.schedule),
            ("name", _NAME, self.name),
        ):
            if not pattern.fullmatch(value):
                raise DeployError(f"'{value}' cannot be the {what} of a deployment")


def files(deployment: Deployment) -> Mapping[str, str]:
    """The files by name, in the order in which they are read."""
    return {
        "main.py": _MAIN,
        "requirements.txt": f"smq[metasync{',llm' if deployment.asks_model else ''}]\n",
        "deploy.sh": _script(deployment),
        "main.tf": _terraform(deployment),
    }


_MAIN = '''"""The entry point of the function; smq.toml and the model files lie beside this file."""

from smq_server.function import update_metadata_cache

__all__ = ["update_metadata_cache"]
'''


def _environment(deployment: Deployment) -> dict[str, str]:
    found = {"GOOGLE_CLOUD_PROJECT": deployment.project, "GCS_BUCKET": deployment.bucket}
    if deployment.target_table:
        found["TARGET_TABLE_ID"] = deployment.target_table
    return found


def _dataset_roles(deployment: Deployment) -> tuple[str, ...]:
    # Reading metadata needs no right to read rows; planning a query does.
    data = deployment.runs_queries or deployment.reads_values
    return ("roles/bigquery.metadataViewer", *(("roles/bigquery.dataViewer",) if data else ()))


def _script(deployment: Deployment) -> str:
    d = deployment
    collector = f"{d.name}@{d.project}.iam.gserviceaccount.com"
    caller = f"{d.name}-call@{d.project}.iam.gserviceaccount.com"
    bucket = f"gs://{d.bucket}"
    variables = ",".join(f"{key}={value}" for key, value in _environment(d).items())
    lifecycle = {
        "rule": [
            {
                "action": {"type": "Delete"},
                "condition": {"age": max(1, d.snapshot_days), "matchesPrefix": ["snapshots/"]},
            }
        ]
    }
    services = ("cloudfunctions", "run", "cloudbuild", "cloudscheduler", "bigquery", "storage")
    lines = [
        "#!/usr/bin/env bash",
        "# Review before running: makes a bucket, two service accounts, a function and a schedule.",
        "set -euo pipefail",
        f"PROJECT={_q(d.project)}",
        f"REGION={_q(d.region)}",
        f"BUCKET={_q(bucket)}",
        f"COLLECTOR={_q(collector)}",
        f"CALLER={_q(caller)}",
        "",
        "gcloud services enable "
        + " ".join(f"{each}.googleapis.com" for each in services)
        + ' --project="$PROJECT"',
        "",
        "# The cache and its history. Nobody reads it who is not let in.",
        'gcloud storage buckets create "$BUCKET" --project="$PROJECT" --location="$REGION" \\',
        "  --uniform-bucket-level-access --public-access-prevention",
        "lifecycle=$(mktemp)",
        f"printf '%s' {_q(json.dumps(lifecycle))} > \"$lifecycle\"",
        'gcloud storage buckets update "$BUCKET" --lifecycle-file="$lifecycle"',
        "",
        "# The account that collects, with no more than it needs.",
        f'gcloud iam service-accounts create {_q(d.name)} --project="$PROJECT" \\',
        "  --display-name='MetaSync collector'",
        'gcloud storage buckets add-iam-policy-binding "$BUCKET" \\',
        '  --member="serviceAccount:$COLLECTOR" --role=roles/storage.objectUser',
    ]
    for role in _dataset_roles(d):
        if d.datasets:
            for dataset in d.datasets:
                project, _, name = dataset.partition(".")
                lines += [
                    'bq query --use_legacy_sql=false --project_id="$PROJECT" \\',
                    f"  {_q(f'GRANT `{role}` ON SCHEMA `{project}.{name}` TO ')}"
                    '"\\"serviceAccount:$COLLECTOR\\""',
                ]
        else:
            lines += [
                'gcloud projects add-iam-policy-binding "$PROJECT" --condition=None \\',
                f'  --member="serviceAccount:$COLLECTOR" --role={role}',
            ]
    if d.runs_queries or d.reads_values:
        lines += [
            "# Dry runs are jobs too.",
            'gcloud projects add-iam-policy-binding "$PROJECT" --condition=None \\',
            '  --member="serviceAccount:$COLLECTOR" --role=roles/bigquery.jobUser',
        ]
    secrets = ""
    if d.asks_model:
        secrets = f" --set-secrets={_KEY}={_SECRET}:latest"
        lines += [
            "",
            "# The key of the language model: make the secret by hand, so that it is in no file.",
            f"#   gcloud secrets create {_SECRET} --data-file=- --project=PROJECT",
            f'gcloud secrets add-iam-policy-binding {_SECRET} --project="$PROJECT" \\',
            '  --member="serviceAccount:$COLLECTOR" --role=roles/secretmanager.secretAccessor',
        ]
    lines += [
        "",
        "# The function, from this directory: main.py, requirements.txt, smq.toml and the models.",
        f'gcloud functions deploy {_q(d.name)} --gen2 --project="$PROJECT" --region="$REGION" \\',
        f"  --runtime={RUNTIME} --source=. --entry-point={ENTRY_POINT} --trigger-http \\",
        '  --no-allow-unauthenticated --ingress-settings=all --service-account="$COLLECTOR" \\',
        "  --memory=1GiB --timeout=540s --max-instances=1 --concurrency=1 \\",
        f"  --set-env-vars={_q(variables)}{secrets}",
        "",
        "# The account that calls it, and does nothing else.",
        f'gcloud iam service-accounts create {_q(d.name + "-call")} --project="$PROJECT" \\',
        "  --display-name='MetaSync schedule'",
        f'gcloud run services add-iam-policy-binding {_q(d.name)} --project="$PROJECT" \\',
        '  --region="$REGION" --member="serviceAccount:$CALLER" --role=roles/run.invoker',
        f'URL=$(gcloud functions describe {_q(d.name)} --gen2 --project="$PROJECT" \\',
        "  --region=\"$REGION\" --format='value(serviceConfig.uri)')",
        f'gcloud scheduler jobs create http {_q(d.name)} --project="$PROJECT" \\',
        f'  --location="$REGION" --schedule={_q(d.schedule)} --time-zone=Etc/UTC \\',
        '  --uri="$URL" --http-method=POST --headers=Content-Type=application/json \\',
        "  --message-body='{}' --attempt-deadline=600s --max-retry-attempts=2 \\",
        '  --oidc-service-account-email="$CALLER" --oidc-token-audience="$URL"',
        "",
        "# Who reads the cache:",
        '#   gcloud storage buckets add-iam-policy-binding "$BUCKET" \\',
        "#     --member=group:GROUP --role=roles/storage.objectViewer",
    ]
    return "\n".join(lines) + "\n"


def _terraform(deployment: Deployment) -> str:
    d = deployment
    environment = "\n".join(f"      {key} = {_t(value)}" for key, value in _environment(d).items())
    roles = _dataset_roles(d)
    grants: list[str] = []
    if d.datasets:
        for dataset in d.datasets:
            project, _, name = dataset.partition(".")
            for role in roles:
                label = re.sub(r"\W", "_", f"{name}_{role.rpartition('.')[2]}")
                grants.append(
                    f'resource "google_bigquery_dataset_iam_member" "{label}" {{\n'
                    f"  project    = {_t(project)}\n  dataset_id = {_t(name)}\n"
                    f"  role       = {_t(role)}\n"
                    "  member     = google_service_account.collector.member\n}\n"
                )
        roles = ()
    if d.runs_queries or d.reads_values:
        roles = (*roles, "roles/bigquery.jobUser")
    for role in roles:
        label = re.sub(r"\W", "_", role.rpartition("/")[2])
        grants.append(
            f'resource "google_project_iam_member" "{label}" {{\n'
            f"  project = var.project\n  role    = {_t(role)}\n"
            "  member  = google_service_account.collector.member\n}\n"
        )
    if d.asks_model:
        grants.append(
            'resource "google_secret_manager_secret_iam_member" "model_key" {\n'
            f"  project   = var.project\n  secret_id = {_t(_SECRET)}\n"
            '  role      = "roles/secretmanager.secretAccessor"\n'
            "  member    = google_service_account.collector.member\n}\n"
        )
    values = {
        "PROJECT": _t(d.project),
        "REGION": _t(d.region),
        "BUCKET": _t(d.bucket),
        "NAME": _t(d.name),
        "CALLER": _t(f"{d.name}-call"),
        "SCHEDULE": _t(d.schedule),
        "DAYS": str(max(1, d.snapshot_days)),
        "ENVIRONMENT": environment,
        "SECRET": _TERRAFORM_SECRET if d.asks_model else "",
        "GRANTS": "\n".join(grants),
        "RUNTIME": _t(RUNTIME),
        "ENTRY": _t(ENTRY_POINT),
    }
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], _TERRAFORM)


_TERRAFORM = """\
# Review before applying: a bucket, two service accounts, a function and its schedule.
# The function's source is this directory: main.py, requirements.txt, smq.toml and the models.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4"
    }
  }
}

variable "project" {
  type    = string
  default = @PROJECT@
}

variable "region" {
  type    = string
  default = @REGION@
}

variable "source_directory" {
  type    = string
  default = "."
}

provider "google" {
  project = var.project
  region  = var.region
}

resource "google_storage_bucket" "cache" {
  name                        = @BUCKET@
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    condition {
      age            = @DAYS@
      matches_prefix = ["snapshots/"]
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_storage_bucket" "source" {
  name                        = "${google_storage_bucket.cache.name}-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

data "archive_file" "source" {
  type        = "zip"
  source_dir  = var.source_directory
  output_path = "${path.module}/.source.zip"
  excludes    = [".terraform", ".source.zip", ".smq", ".git"]
}

resource "google_storage_bucket_object" "source" {
  name   = "${data.archive_file.source.output_sha256}.zip"
  bucket = google_storage_bucket.source.name
  source = data.archive_file.source.output_path
}

resource "google_service_account" "collector" {
  account_id   = @NAME@
  display_name = "MetaSync collector"
}

resource "google_service_account" "caller" {
  account_id   = @CALLER@
  display_name = "MetaSync schedule"
}

# Overwriting an object takes the right to delete it, which objectCreator lacks.
resource "google_storage_bucket_iam_member" "writes_the_cache" {
  bucket = google_storage_bucket.cache.name
  role   = "roles/storage.objectUser"
  member = google_service_account.collector.member
}

@GRANTS@
resource "google_cloudfunctions2_function" "collector" {
  name     = @NAME@
  location = var.region

  build_config {
    runtime     = @RUNTIME@
    entry_point = @ENTRY@
    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.collector.email
    available_memory                 = "1Gi"
    timeout_seconds                  = 540
    max_instance_count               = 1
    max_instance_request_concurrency = 1
    environment_variables = {
@ENVIRONMENT@
    }
@SECRET@  }
}

# Only the schedule's account may call the function; there is no binding for allUsers.
resource "google_cloud_run_service_iam_member" "calls_the_function" {
  location = var.region
  service  = google_cloudfunctions2_function.collector.service_config[0].service
  role     = "roles/run.invoker"
  member   = google_service_account.caller.member
}

resource "google_cloud_scheduler_job" "daily" {
  name             = @NAME@
  region           = var.region
  schedule         = @SCHEDULE@
  time_zone        = "Etc/UTC"
  attempt_deadline = "600s"

  retry_config {
    retry_count = 2
  }

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.collector.service_config[0].uri
    body        = base64encode("{}")
    headers = {
      "Content-Type" = "application/json"
    }
    oidc_token {
      service_account_email = google_service_account.caller.email
      audience              = google_cloudfunctions2_function.collector.service_config[0].uri
    }
  }
}

output "cache" {
  value = "gs://${google_storage_bucket.cache.name}/metadata_cache.json"
}
"""

# The secret itself is made by hand, so that its value is in no file and no state.
_TERRAFORM_SECRET = f"""\
    secret_environment_variables {{
      key        = "{_KEY}"
      project_id = var.project
      secret     = "{_SECRET}"
      version    = "latest"
    }}
"""


def _q(text: str) -> str:
    return shlex.quote(text)


def _t(text: str) -> str:
    """A string of Terraform, in which `${` and `%{` would begin an expression."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
