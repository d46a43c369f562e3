"""Rules of the configuration file and of files that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.text import Edit


def use_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    nearest = problem.args.get("nearest")
    if isinstance(nearest, tuple) and nearest:
        quote = str(problem.args.get("quote", ""))
        text = f"{quote}{nearest[0]}{quote}"
        yield Fix(f"Use '{nearest[0]}'", (Edit(*problem.location, text),))


def _did_you_mean(args: Args) -> str:
    near = tuple(args.get("nearest", ()))
    return f" Did you mean '{near[0]}'?" if near else ""


@rule("CFG101", "unreadable-configuration", Severity.ERROR, on="workspace")
def unreadable_configuration(args: Args) -> str:
    """The configuration file is not TOML.

    Nothing of it can be used, and running with the defaults instead would check something else
    than the team agreed on, so the program stops.

    ```bad
    -- smq.toml --
    dialect = duckdb
    ```

    ```good
    -- smq.toml --
    dialect = "duckdb"
    ```
    """
    return f"The configuration cannot be read as TOML: {args['reason']}."


@rule("CFG102", "unknown-setting", Severity.ERROR, on="workspace", fix=use_nearest)
def unknown_setting(args: Args) -> str:
    """The configuration file has a key that means nothing.

    A misspelt key would be a wish that is silently not granted. `docs/configuration.md` lists
    the keys.

    ```bad
    -- smq.toml --
    dialekt = "bigquery"
    ```

    ```good
    -- smq.toml --
    dialect = "bigquery"
    ```
    """
    known = tuple(args.get("known", ()))
    hint = _did_you_mean(args) or (f" Known here: {', '.join(known)}." if known else "")
    return f"Unknown setting '{args['key']}'.{hint}"


@rule("CFG103", "setting-of-wrong-type", Severity.ERROR, on="workspace")
def setting_of_wrong_type(args: Args) -> str:
    """A setting has a value of another type than it takes.

    ```bad
    -- smq.toml --
    models = "models"
    ```

    ```good
    -- smq.toml --
    models = ["models"]
    ```
    """
    return f"'{args['key']}' must be {args['expected']}, but is {args['found']}."


@rule("CFG104", "unknown-value-of-setting", Severity.ERROR, on="workspace", fix=use_nearest)
def unknown_value_of_setting(args: Args) -> str:
    """A setting has a value that it cannot have.

    ```bad
    -- smq.toml --
    dialect = "big_query"
    ```

    ```good
    -- smq.toml --
    dialect = "bigquery"
    ```
    """
    allowed = tuple(args.get("allowed", ()))
    hint = _did_you_mean(args) or (f" It takes {', '.join(allowed)}." if allowed else "")
    least, most = args.get("least"), args.get("most")
    if least is not None and most is not None:
        hint = f" It takes {least} to {most}."
    elif least is not None:
        hint = f" It takes {least} or more."
    return f"'{args['key']}' cannot be '{args['value']}'.{hint}"


@rule("CFG105", "secret-in-configuration", Severity.ERROR, on="workspace")
def secret_in_configuration(args: Args) -> str:
    """The configuration file holds a secret.

    The file is committed, so everybody who can read the repository could read the secret, also
    after it was removed again. Put it into an environment variable and name the variable
    here (`dsn_env`), or leave it to the credentials that the engine's own tools use. Change a
    secret that has been committed.

    ```bad
    -- smq.toml --
    [engine]
    type = "postgres"

    [engine.postgres]
    password = "hunter2"
    ```

    ```good
    -- smq.toml --
    [engine]
    type = "postgres"

    [engine.postgres]
    dsn_env = "WAREHOUSE_DSN"
    ```

    There is no fix, because the secret must first be put somewhere safe.
    """
    return (
        f"'{args['key']}' looks like a secret, and this file is no place for one. Put it into an "
        "environment variable and name the variable here."
    )


@rule("CFG106", "configuration-of-unknown-rule", Severity.ERROR, on="workspace", fix=use_nearest)
def configuration_of_unknown_rule(args: Args) -> str:
    """The configuration names a rule that does not exist.

    A rule is named by its code (`NAM101`), its name (`unknown-metric`), the beginning of a code
    (`NAM`) or `ALL`. `smq rule` lists them.

    ```bad
    -- smq.toml --
    [rules]
    ignore = ["CFG999"]
    ```

    ```good
    -- smq.toml --
    [rules]
    ignore = ["CFG102"]
    ```
    """
    hint = _did_you_mean(args) or " `smq rule` lists the rules."
    return f"There is no rule '{args['selector']}'.{hint}"


@rule("FIL101", "unreadable-file", Severity.ERROR, on="both")
def unreadable_file(args: Args) -> str:
    """A query or model file cannot be read.

    What it declares is missing from the workspace, so other files may seem wrong because of it.

    ```bad
    -- models/gone.yml (unreadable) --
    ```

    ```good
    -- models/here.yml --
    semantic_models: []
    ```
    """
    return f"The file cannot be read: {args['reason']}."


@rule("FIL102", "file-is-not-utf-8", Severity.ERROR, on="both")
def file_is_not_utf_8(args: Args) -> str:
    """A query or model file is not text in UTF-8.

    Reading it in another encoding would be a guess, and a wrong guess makes names that match
    nothing. Save it as UTF-8; a byte-order mark does no harm.

    ```bad
    -- models/branch.yml (encoding cp949) --
    semantic_models:
      - name: 부점코드
    ```

    ```good
    -- models/branch.yml --
    semantic_models: []
    ```

    There is no fix, because the right encoding is known only to whoever wrote the file.
    """
    if args["binary"]:
        return "The file is not text: it holds binary data."
    guess = f" It looks like {args['guess']}." if args["guess"] else ""
    return (
        f"The file is not UTF-8: the byte at offset {args['offset']} fits no character.{guess} "
        "Save it as UTF-8."
    )


@rule("FIL103", "file-over-size-limit", Severity.ERROR, on="both")
def file_too_large(args: Args) -> str:
    """A query or model file is larger than any such file needs to be.

    Query files over 2 MiB and model files over 32 MiB are not read, so that a data file with the
    wrong name does not stall the program. Split the file, or exclude it in `smq.toml`.

    ```bad
    -- models/huge.yml (size 40 MiB) --
    ```

    ```good
    -- models/small.yml --
    semantic_models: []
    ```
    """
    mebibyte = 1024 * 1024
    # Rounded up, so that a size just over the limit does not look like the limit.
    size = f"{-(-int(args['size']) * 10 // mebibyte) / 10:,.1f}".removesuffix(".0")
    return (
        f"The file has {size} MiB; such files over {int(args['limit']) // mebibyte} MiB are "
        "not read. Split it, or exclude it in smq.toml."
    )
