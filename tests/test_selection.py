"""Which model files a question is about, found without a language model."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from snowballstemmer import EnglishStemmer
from tests.support.fixture import split

from smq.syntax import Document
from smq.workspace import Change, Snapshot, build
from smq_server.generation.selection import search, select_model_files
from smq_server.generation.selection.words import words

SHOP = """\
-- customers.yml --
semantic_models:
  - name: customers
    table: shop.customers
    label: Customers
    entities: [{name: customer, type: primary, expr: id}]
    dimensions:
      - name: cust_grd
        type: varchar
        label: 고객등급
        description: VIP, gold or silver
    measures: [{name: heads, type: integer, label: People, expr: id}]
-- orders.yml --
semantic_models:
  - name: orders
    table: shop.orders
    label: Orders
    meta:
      synonyms: [basket, 장바구니]
    entities: [{name: order, type: primary, expr: id}]
    dimensions:
      - {name: chnl, type: varchar, label: Channel}
    measures: [{name: amount, type: integer, expr: amount}]
-- orders_metrics.yml --
metrics:
  - name: revenue
    metric_type: simple
    type: bigint
    label: Revenue
    expr: SUM(orders__amount)
  - name: app_revenue
    metric_type: simple
    type: bigint
    label: Revenue by phone
    expr: SUM(CASE WHEN orders__chnl = 'android' THEN orders__amount END)
-- branches.yml --
semantic_models:
  - name: 부점코드
    table: bank.brn
    label: 부점
    entities: [{name: brn, type: primary, expr: brncd}]
    dimensions:
      - {name: rgn_nm, type: varchar, label: 지역}
    measures: [{name: brn_cnt, type: varchar, expr: brncd}]
-- sources.yml --
sources: [{name: shop, tables: [{name: customers}, {name: orders}]}]
"""


def snapshot(text: str = SHOP) -> Snapshot:
    return build(Document(file.path, file.text) for file in split(text))


def first(question: str) -> str | None:
    found = select_model_files(question, snapshot())
    return found[0].uri if found else None


@pytest.mark.parametrize(
    ("question", "file"),
    [
        ("customer", "customers.yml"),  # the label is in the plural
        ("ordering", "orders.yml"),
        ("지역별로는?", "branches.yml"),
        ("지역에서", "branches.yml"),
        ("지역의", "branches.yml"),
        ("지역들을", "branches.yml"),
        ("등급마다", "customers.yml"),  # a part of 고객등급
        ("고객등급별", "customers.yml"),
        ("basket", "orders.yml"),  # its own synonyms
        ("장바구니는", "orders.yml"),
        ("지점은 몇 곳?", "branches.yml"),  # a synonym that everybody has
        ("region", "branches.yml"),
        ("매출", "orders_metrics.yml"),
        ("who is silver?", "customers.yml"),  # a description
        ("android", "orders_metrics.yml"),  # a value in a metric
        ("CustGrd", "customers.yml"),
        ("revnue", "orders_metrics.yml"),  # slips of the keyboard
        ("andriod", "orders_metrics.yml"),
        ("transcations of custmers", "customers.yml"),
        ("고객등금", "customers.yml"),
    ],
)
def test_words_find_files_in_every_form(question: str, file: str) -> None:
    assert first(question) == file


def test_a_question_of_several_files_gets_each_of_them_before_repetitions() -> None:
    found = select_model_files("고객등급별 매출", snapshot(), limit=2)
    assert {each.uri for each in found} == {"customers.yml", "orders_metrics.yml"}


def test_the_reasons_name_the_word_and_what_it_found() -> None:
    (found,) = select_model_files("매출은?", snapshot(), limit=1)
    assert [(each.word, each.name, each.how) for each in found.reasons] == [
        ("매출은", "revenue", "synonym")
    ]


def test_an_expression_of_several_words_has_synonyms_of_one() -> None:
    metric = "metrics: [{{name: {0}, metric_type: simple, type: number, expr: SUM(m__{0})}}]\n"
    rates = build(
        Document(f"{name}.yml", metric.format(name)) for name in ("예대율", "가중평균", "deposits")
    )

    def files(question: str) -> list[str]:
        return [each.uri for each in select_model_files(question, rates)]

    assert "예대율.yml" in files("What is our loan-to-deposit ratio?")
    assert files("the weighted average by month") == ["가중평균.yml"]
    assert files("average of the weighted") == [], "its words apart mean something else"


def test_a_slip_is_told_as_one_and_short_words_are_none() -> None:
    assert select_model_files("oder chnn", snapshot()) == ()
    (found,) = select_model_files("revnue", snapshot(), limit=1)
    assert [(each.word, each.name, each.how) for each in found.reasons] == [
        ("revnue", "revenue", "slip")
    ]


def test_words_that_no_model_knows_select_nothing() -> None:
    assert select_model_files("날씨가 어때? How is it?", snapshot()) == ()
    assert select_model_files("", snapshot()) == ()
    assert select_model_files("… ?! 12 %", snapshot()) == ()


def test_files_without_models_and_metrics_are_never_selected() -> None:
    assert "sources.yml" not in {e.uri for e in select_model_files("shop", snapshot(), limit=9)}


def test_decomposed_korean_finds_the_same() -> None:
    import unicodedata

    written = unicodedata.normalize("NFD", "지역별 매출")
    assert select_model_files(written, snapshot())[0].uri == first("지역별 매출")


def test_questions_that_are_asked_at_once_do_not_spoil_each_other_s_words() -> None:
    endings = ("izations", "fulness", "iveness", "ational", "ements", "ingly", "ousli", "iciti")
    texts = [
        [f"{chr(97 + lot)}{chr(97 + n % 26)}{chr(97 + n // 26)}tr{each}" for n in range(300)]
        for lot, each in enumerate(endings)
    ]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(texts)) as pool:
            found = list(pool.map(lambda lot: [words(each)[0] for each in lot], texts))
    finally:
        sys.setswitchinterval(before)
    stem = EnglishStemmer().stemWord
    assert found == [[tuple(dict.fromkeys((each, stem(each)))) for each in lot] for lot in texts]


def test_a_changed_file_is_found_by_its_new_words() -> None:
    before = snapshot()
    assert select_model_files("warehouse", before) == ()
    text = before.document("orders.yml").text.replace("basket", "warehouse")
    after = before.apply([Change("orders.yml", text)])
    assert [each.uri for each in select_model_files("warehouse", after)] == ["orders.yml"]
    assert select_model_files("warehouse", before) == ()


def test_search_ranks_metrics_and_dimensions_by_what_a_question_says_of_them() -> None:
    found = search("매출을 고객등급별로", snapshot())
    assert [each.entry.reference for each in found[:2]] == ["customers__cust_grd", "revenue"]
    assert [e.entry.reference for e in search("revenue by phone", snapshot(), {"metric"})] == [
        "app_revenue",
        "revenue",
    ]


def test_a_thousand_models_are_searched_in_an_instant() -> None:
    documents = [
        Document(
            f"model_{number}.yml",
            "semantic_models:\n"
            f"  - name: model_{number}\n    table: a.t{number}\n    label: 모델 {number}번 원장\n"
            "    dimensions:\n"
            + "".join(
                f"      - {{name: dim_{number}_{item}, type: varchar, label: 차원{item}}}\n"
                for item in range(10)
            ),
        )
        for number in range(1000)
    ]
    special = "metrics:\n  - {name: churn, metric_type: simple, label: 이탈률, expr: COUNT(*)}\n"
    large = build([*documents, Document("zz.yml", special)])
    assert select_model_files("이탈률은?", large)[0].uri == "zz.yml"
    started = time.process_time()
    for _ in range(10):
        assert select_model_files("차원별 이탈률은?", large)[0].uri == "zz.yml"
    assert (time.process_time() - started) / 10 < 0.5
