"""`smq explain`: scans, leaves, joins, filters, lineage, and pictures of them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from tests.support.cli import Cli
from tests.support.examples import copy_example

from smq_schemas import schema

TWO_FACTS = "queries/customers_by_grade.smq.json"


@pytest.fixture(autouse=True)
def bank(tmp_path: Path) -> None:
    copy_example("bank", tmp_path)


def test_text_tells_how_the_query_is_computed(cli: Cli) -> None:
    assert (
        cli("explain", TWO_FACTS).out
        == """\
queries/customers_by_grade.smq.json: 고객등급별 고객 수, 계좌 수, 고객당 잔액은 얼마인가?

grain    고객기본__cust_grd
scan     고객기본 (bank.cust_base)
  leaf   COUNT(DISTINCT 고객기본__cust_cnt)  for customer_count, balance_per_customer
scan     계좌정보 (bank.acct_base)
  join   고객기본 (bank.cust_base) on 계좌정보.cust_no = 고객기본.cust_no
  leaf   COUNT(DISTINCT 계좌정보__acct_cnt)  for account_count
  leaf   SUM(계좌정보__balance)  for balance_per_customer
order    -customer_count
columns
  고객기본__cust_grd    dimension   bank.cust_base.cust_grd
  customer_count        metric      bank.cust_base.cust_no
  account_count         metric      bank.acct_base.acct_no
  balance_per_customer  metric      bank.acct_base.balance, bank.cust_base.cust_no
"""
    )


def test_text_tells_when_each_filter_applies(cli: Cli) -> None:
    rows = cli("explain", "queries/mobile_by_age.smq.json").out
    assert "  where  고객기본__cust_typ = '개인'\n" in rows
    assert "filter   mobile_ratio > 0.45  (after aggregation)\n" in rows
    windows = cli("explain", "queries/milestone_month.smq.json").out
    assert "filter   누적_입금액 > 20000000  (after window functions)\n" in windows


def test_text_shows_a_composite_key_whole(cli: Cli) -> None:
    out = cli("explain", "queries/balance_by_product.smq.json").out
    assert "on 계좌잔액.prd_cd = 상품.prd_cd and 계좌잔액.base_dt = 상품.base_dt" in out


def test_text_tells_what_written_joins_leave_alone(cli: Cli) -> None:
    out = cli("explain", "queries/every_branch.smq.json").out
    assert "scan     FROM 부점코드 LEFT JOIN 고객기본 ON" in out
    assert "  once   each row of 고객기본 (bank.cust_base) in a group" in out


def test_json_has_the_published_shape(cli: Cli, tmp_path: Path) -> None:
    copy_example("shop", tmp_path / "shop")
    outcome = cli("explain", "queries", "shop/queries", "--format", "json")
    document = json.loads(outcome.out)
    jsonschema.validate(document, schema("explain-output"))
    assert len(document["queries"]) == 23
    for query in document["queries"]:
        assert query["leaves"]
        for column in query["columns"]:
            assert column["lineage"], column


def test_lineage_goes_through_what_the_compiler_puts_between(cli: Cli) -> None:
    outcome = cli("explain", TWO_FACTS, "--format", "json", "--dialect", "mysql")
    (query,) = json.loads(outcome.out)["queries"]
    assert {column["name"]: column["lineage"] for column in query["columns"]} == {
        "고객기본__cust_grd": ["bank.cust_base.cust_grd"],
        "customer_count": ["bank.cust_base.cust_no"],
        "account_count": ["bank.acct_base.acct_no"],
        "balance_per_customer": ["bank.acct_base.balance", "bank.cust_base.cust_no"],
    }


def test_mermaid(cli: Cli) -> None:
    assert (
        cli("explain", TWO_FACTS, "--format", "mermaid").out
        == """\
---
title: "queries/customers_by_grade.smq.json: 고객등급별 고객 수, 계좌 수, 고객당 잔액은 얼마인가?"
---
flowchart LR
  t0[("고객기본<br/>bank.cust_base")]
  l0["COUNT(DISTINCT 고객기본__cust_cnt)"]
  t1[("계좌정보<br/>bank.acct_base")]
  t1_0[("고객기본<br/>bank.cust_base")]
  l1["COUNT(DISTINCT 계좌정보__acct_cnt)<br/>SUM(계좌정보__balance)"]
  combine(["by 고객기본__cust_grd"])
  result[["고객기본__cust_grd<br/>customer_count<br/>account_count<br/>balance_per_customer"]]
  t0 --> l0
  t1_0 -->|cust| t1
  t1 --> l1
  l0 --> combine
  l1 --> combine
  combine --> result
"""
    )


def test_dot(cli: Cli) -> None:
    out = cli("explain", TWO_FACTS, "--format", "dot").out
    assert out.startswith("digraph query {\n")
    assert out.endswith("}\n")
    assert '  t1_0 -> t1 [label="cust"];\n' in out


@pytest.mark.parametrize("query", ["customers_by_grade", "milestone_month", "every_branch"])
def test_svg_is_a_picture_whose_boxes_do_not_overlap(cli: Cli, query: str) -> None:
    out = cli("explain", f"queries/{query}.smq.json", "--format", "svg").out
    root = ElementTree.fromstring(out)
    namespace = "{http://www.w3.org/2000/svg}"
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    group = root.find(f"{namespace}g")
    assert group is not None
    boxes = [
        tuple(float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        for box in group.findall(f"{namespace}rect")
    ]
    assert len(boxes) >= 3
    for number, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        for other_x, other_y, other_w, other_h in boxes[number + 1 :]:
            apart = x + w <= other_x or other_x + other_w <= x
            assert apart or y + h <= other_y or other_y + other_h <= y
    assert cli("explain", f"queries/{query}.smq.json", "--format", "svg").out == out


def test_a_name_that_looks_like_markup_is_only_text(cli: Cli, tmp_path: Path) -> None:
    query = {"metrics": ['total_brn_cnt AS "<b>&\'"'], "description": '</svg>"; drop --'}
    for format_name in ("svg", "mermaid", "dot"):
        outcome = cli("explain", "-q", json.dumps(query), "--format", format_name)
        assert outcome.status == 0, outcome.err
        assert "<b>" not in outcome.out or format_name == "dot"
        if format_name == "svg":
            ElementTree.fromstring(outcome.out)


def test_svg_is_one_picture(cli: Cli) -> None:
    outcome = cli("explain", "queries", "--format", "svg")
    assert outcome.status == 2
    assert "--query N" in outcome.err


def test_output_goes_to_a_file(cli: Cli, tmp_path: Path) -> None:
    assert cli("explain", TWO_FACTS, "--format", "svg", "-o", "plan.svg").out == ""
    assert (tmp_path / "plan.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_a_wrong_query_is_not_explained(cli: Cli) -> None:
    outcome = cli("explain", "-q", '{"metrics": ["nope"]}')
    assert (outcome.status, outcome.out) == (1, "")
    assert "'nope' not found" in outcome.err
