"""Write the rows of the example workspaces as CSV files, the same bytes every time.

Run it as `python examples/make_data.py`; `--check` only says whether the files are fresh. The
shapes are those of real data, because that is where queries go wrong: keys that are NULL or point
nowhere, customers without accounts and accounts without customers, a few busy customers and many
quiet ones, seasons, cancelled rows, monthly snapshots with a composite key.

Only `Random.random` is used: it is the one method whose sequence Python promises to keep.
"""

# ruff: noqa: SIM905 - lists of words read better as words.

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")
Cell = str | int | float | date | datetime | None
Row = tuple[Cell, ...]

HERE = Path(__file__).resolve().parent


class Dice:
    """Draws from a seeded sequence."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[T, float]]) -> T:
        point = self._random() * sum(weight for _, weight in items)
        for item, weight in items:
            point -= weight
            if point < 0:
                return item
        return items[-1][0]

    def skewed(self, limit: int, bend: float = 1.0) -> int:
        """An index below the limit; the more bend (0 to 1), the more often a small one comes."""
        # Powers would differ in the last bit from one C library to the next; products do not.
        point = self._random()
        return int(limit * point * (1.0 - bend + bend * point))

    def amount(self, low: float, high: float, step: int) -> int:
        """Money between the bounds with many small and few large values, in round steps."""
        point = self._random() * self._random()
        return max(step, int(low + (high - low) * point * point) // step * step)


class Table:
    """A table's name, its columns with their SQL types, and its rows."""

    def __init__(self, name: str, columns: dict[str, str]) -> None:
        self.name = name
        self.columns = columns
        self.rows: list[Row] = []

    def add(self, *cells: Cell) -> None:
        if len(cells) != len(self.columns):
            raise ValueError(f"{self.name}: {len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(cells)

    def csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in self.rows)
        return text.getvalue()


# The bank: one branch table, customers, accounts, month-end balances, products, transactions.

SURNAMES = [
    ("김", 21.5), ("이", 14.7), ("박", 8.4), ("최", 4.7), ("정", 4.3), ("강", 2.4), ("조", 2.1),
    ("윤", 2.0), ("장", 2.0), ("임", 1.7), ("한", 1.5), ("오", 1.5), ("서", 1.5), ("신", 1.5),
    ("권", 1.4), ("황", 1.4), ("안", 1.4), ("송", 1.4), ("류", 1.3), ("홍", 1.1), ("남궁", 0.2),
]  # fmt: skip
GIVEN = (
    "민준 서준 도윤 예준 시우 하준 지호 주원 지후 준우 서연 서윤 지우 서현 하은 하윤 민서 지유 "
    "윤서 채원 영수 영호 정훈 성민 상훈 미영 은정 현정 지영 수진 경희 순자 말순 덕수 철수 영희"
).split()
COMPANIES = "한빛 누리 가온 다솜 새벽 푸른 미르 온새 해솔 이든".split()
TRADES = "상사 물산 전자 식품 건설 정밀 유통 소프트".split()

REGIONS = [
    ("서울", 9),
    ("경기", 5),
    ("부산", 3),
    ("대구", 2),
    ("광주", 2),
    ("대전", 2),
    ("제주", 1),
]
PLACES = {
    "서울": "종로 강남 여의도 마포 잠실 명동 성수 노원 목동".split(),
    "경기": "수원 분당 일산 평촌 동탄".split(),
    "부산": "서면 해운대 남포".split(),
    "대구": "동성로 수성".split(),
    "광주": "충장로 상무".split(),
    "대전": "둔산 유성".split(),
    "제주": ["노형"],
}
PRODUCTS = [
    # code, name, group, kind, base rate in percent, share of accounts
    ("D101", "한빛 보통예금", "수신", "요구불", 0.10, 30),
    ("D102", "월급 통장", "수신", "요구불", 0.30, 22),
    ("D103", "기업 자유예금", "수신", "요구불", 0.10, 8),
    ("D201", "정기예금 12개월", "수신", "저축성", 3.40, 14),
    ("D202", "청년 희망적금", "수신", "저축성", 4.10, 9),
    ("D203", "주택청약저축", "수신", "저축성", 2.80, 7),
    ("L301", "주택담보대출", "여신", "담보", 4.20, 5),
    ("L302", "신용대출", "여신", "신용", 5.90, 6),
    ("L303", "소상공인 운전자금", "여신", "기업", 5.10, 3),
    ("L304", "전세자금대출", "여신", "담보", 3.90, 3),
]
BANK_MONTH_ENDS = [date(2024, month, 1) - timedelta(days=1) for month in range(2, 8)]
BANK_FIRST, BANK_LAST = date(2024, 1, 1), date(2024, 6, 30)


def korean_name(dice: Dice) -> str:
    return dice.weighted(SURNAMES) + dice.pick(GIVEN)


def bank() -> list[Table]:
    dice = Dice(20240101)
    branches, branch_codes = bank_branches(dice)
    products = bank_products()
    customers, quick = bank_customers(dice, branch_codes)
    accounts, opened = bank_accounts(dice, branch_codes, quick)
    balances = bank_balances(dice, opened)
    transactions = bank_transactions(dice, branch_codes, opened)
    return [branches, customers, accounts, products, balances, transactions]


def bank_branches(dice: Dice) -> tuple[Table, list[str]]:
    table = Table(
        "brn_base",
        {
            "brncd": "VARCHAR", "brn_nm": "VARCHAR", "rgn_nm": "VARCHAR", "brn_typ": "VARCHAR",
            "brn_stcd": "VARCHAR", "open_dt": "DATE", "close_dt": "DATE",
        },
    )  # fmt: skip
    open_codes = []
    for region, count in REGIONS:
        for place in PLACES[region][:count]:
            code = f"0{101 + len(table.rows)}"
            opened = date(dice.between(1986, 2019), dice.between(1, 12), dice.between(1, 28))
            closed = None
            if place in ("명동", "남포"):
                closed = date(dice.between(2021, 2023), dice.between(1, 12), 15)
            else:
                open_codes.append(code)
            kind = "금융센터" if place in ("강남", "여의도", "분당") else "영업점"
            table.add(code, f"{place}지점", region, kind, "9" if closed else "1", opened, closed)
    # The digital head office keeps customers who never came to a counter.
    table.add("0900", "디지털영업부", "서울", "본부", "1", date(2016, 3, 2), None)
    open_codes.append("0900")
    return table, open_codes


def bank_products() -> Table:
    table = Table(
        "prd_snap",
        {
            "base_dt": "DATE", "prd_cd": "VARCHAR", "prd_nm": "VARCHAR", "prd_grp": "VARCHAR",
            "prd_kind": "VARCHAR", "base_rt": "DECIMAL(6,3)", "sale_yn": "VARCHAR",
        },
    )  # fmt: skip
    for step, month_end in enumerate(BANK_MONTH_ENDS):
        for code, name, group, kind, rate, _ in PRODUCTS:
            # Rates come down over the half year; lending follows more slowly than saving.
            moved = rate - step * (
                0.05 if group == "수신" and rate > 1 else 0.02 if rate > 1 else 0
            )
            on_sale = "N" if code == "D202" and step >= 4 else "Y"
            shown = name if not (code == "D101" and step >= 3) else "한빛 보통예금 플러스"
            table.add(month_end, code, shown, group, kind, f"{moved:.3f}", on_sale)
    return table


def bank_customers(dice: Dice, branch_codes: list[str]) -> tuple[Table, list[tuple[str, str]]]:
    table = Table(
        "cust_base",
        {
            "cust_no": "VARCHAR", "cust_nm": "VARCHAR", "cust_typ": "VARCHAR",
            "age_grp": "VARCHAR", "cust_grd": "VARCHAR", "brn_cd": "VARCHAR",
            "join_dt": "DATE", "credit_lmt": "BIGINT",
        },
    )  # fmt: skip
    known = []
    for index in range(420):
        number = f"C{100001 + index}"
        company = dice.chance(0.12)
        name = f"{dice.pick(COMPANIES)}{dice.pick(TRADES)}(주)" if company else korean_name(dice)
        age = None
        if not company and not dice.chance(0.03):
            age = dice.weighted(
                [("20대", 16), ("30대", 24), ("40대", 26), ("50대", 20), ("60대 이상", 14)]
            )
        grade = dice.weighted([("VIP", 4), ("골드", 14), ("실버", 30), ("일반", 52)])
        branch: str | None = branch_codes[dice.skewed(len(branch_codes), 0.5)]
        if dice.chance(0.07):
            branch = None
        elif dice.chance(0.015):
            # Customers of a branch that was merged away still carry its code.
            branch = "0777"
        joined = date(2009, 1, 1) + timedelta(days=5600 - dice.skewed(5600, 0.4))
        limit = None
        if dice.chance(0.7):
            factor = {"VIP": 8, "골드": 4, "실버": 2, "일반": 1}[grade]
            limit = factor * dice.amount(1_000_000, 9_000_000, 500_000)
        table.add(number, name, "법인" if company else "개인", age, grade, branch, joined, limit)
        known.append((number, "법인" if company else "개인"))
    return table, known


class Account:
    """What balances and transactions need to know of an account."""

    def __init__(
        self, number: str, product: str, opened: date, closed: date | None, balance: int
    ) -> None:
        self.number = number
        self.product = product
        self.opened = opened
        self.closed = closed
        self.balance = balance


def bank_accounts(
    dice: Dice, branch_codes: list[str], customers: list[tuple[str, str]]
) -> tuple[Table, list[Account]]:
    table = Table(
        "acct_base",
        {
            "acct_no": "VARCHAR", "cust_no": "VARCHAR", "brn_cd": "VARCHAR", "prd_cd": "VARCHAR",
            "acct_stcd": "VARCHAR", "open_dt": "DATE", "close_dt": "DATE", "balance": "BIGINT",
        },
    )  # fmt: skip
    accounts = []
    # The last tenth of the customers have no account (yet).
    holders = customers[: len(customers) * 9 // 10]
    for index in range(640):
        number = f"110-{200001 + index}"
        customer, kind = holders[dice.skewed(len(holders), 0.5)]
        offered = [
            (item[0], item[5])
            for item in PRODUCTS
            if (item[0] in ("D103", "L303")) <= (kind == "법인")
        ]
        product = dice.weighted(offered)
        if dice.chance(0.25):
            opened = BANK_FIRST + timedelta(days=dice.below(180))
        else:
            opened = date(2012, 1, 1) + timedelta(days=4380 - dice.skewed(4380, 0.7))
        closed = None
        if dice.chance(0.06):
            closed = min(BANK_LAST, opened + timedelta(days=dice.between(30, 900)))
            if closed < BANK_FIRST:
                closed = BANK_FIRST + timedelta(days=dice.below(120))
            closed = max(closed, opened)
        lending = product.startswith("L")
        low, high = (8_000_000, 400_000_000) if lending else (20_000, 60_000_000)
        balance = 0 if closed else dice.amount(low, high, 1000)
        owner: str | None = customer
        if dice.chance(0.03):
            # Dormant accounts whose owner is not known.
            owner = None
        branch: str | None = branch_codes[dice.skewed(len(branch_codes), 0.4)]
        if dice.chance(0.22):
            branch = "0900"
        state = "9" if closed else ("5" if dice.chance(0.04) else "1")
        table.add(number, owner, branch, product, state, opened, closed, balance)
        accounts.append(Account(number, product, opened, closed, balance))
    return table, accounts


def bank_balances(dice: Dice, accounts: list[Account]) -> Table:
    table = Table(
        "acct_bal_snap",
        {"base_dt": "DATE", "acct_no": "VARCHAR", "prd_cd": "VARCHAR", "bal_amt": "BIGINT"},
    )
    for step, month_end in enumerate(BANK_MONTH_ENDS):
        left = len(BANK_MONTH_ENDS) - 1 - step
        for account in accounts:
            if account.opened > month_end or (account.closed and account.closed <= month_end):
                continue
            drift = 1.0 + left * (0.012 if account.product.startswith("L") else -0.018)
            noise = 0.94 + dice.below(13) / 100
            base = account.balance or 500_000
            table.add(
                month_end, account.number, account.product, int(base * drift * noise) // 100 * 100
            )
    return table


def bank_transactions(dice: Dice, branch_codes: list[str], accounts: list[Account]) -> Table:
    table = Table(
        "txn_dtl",
        {
            "txn_no": "VARCHAR", "txn_dt": "DATE", "acct_no": "VARCHAR", "brn_cd": "VARCHAR",
            "chnl_nm": "VARCHAR", "txn_typ": "VARCHAR", "txn_amt": "BIGINT", "fee_amt": "INTEGER",
            "cncl_yn": "VARCHAR",
        },
    )  # fmt: skip
    drafts: list[tuple[date, int, Row]] = []
    usable = [a for a in accounts if not a.product.startswith("L")]
    for order in range(2600):
        account = usable[dice.skewed(len(usable), 0.9)]
        day = business_day(dice)
        if day < account.opened or (account.closed and day > account.closed):
            continue
        channel = dice.weighted([("모바일", 46), ("인터넷", 16), ("ATM", 18), ("창구", 20)])
        kind = dice.weighted([("입금", 44), ("출금", 34), ("이체", 22)])
        if day.day in (25, 24) and dice.chance(0.5):
            kind = "입금"
        amount = dice.amount(10_000, 6_000_000, 1000)
        fee = 0
        if kind == "이체" and channel in ("ATM", "창구"):
            fee = 500 if channel == "ATM" else 1000
        branch = None
        if channel in ("ATM", "창구"):
            branch = branch_codes[dice.skewed(len(branch_codes) - 1, 0.4)]
        number: str | None = account.number
        if dice.chance(0.008):
            number = None
        cancelled = "Y" if dice.chance(0.02) else "N"
        drafts.append((day, order, (number, branch, channel, kind, amount, fee, cancelled)))
    drafts.sort(key=lambda draft: draft[:2])
    for index, (day, _, cells) in enumerate(drafts):
        table.add(f"T{10000001 + index}", day, *cells)
    return table


def business_day(dice: Dice) -> date:
    """A day of the half year: fewer on weekends, many on pay day and around the new year."""
    while True:
        day = BANK_FIRST + timedelta(days=dice.below((BANK_LAST - BANK_FIRST).days + 1))
        weight = 0.25 if day.weekday() >= 5 else 0.6
        if day.day == 25:
            weight = 1.0
        if date(2024, 2, 5) <= day <= date(2024, 2, 8):
            weight = 0.9
        if dice.chance(weight):
            return day


# The shop: customers, stores, products, orders with items, and returns.

FIRST_NAMES = (
    "Ada Ben Chloe Dan Ella Finn Grace Hugo Iris Jack Kira Liam Maya Noah Olive Paul Quinn Rosa "
    "Sam Tara Uma Victor Wendy Xavier Yara Zoe"
).split()
LAST_NAMES = (
    "Abbott Bauer Costa Dubois Evans Fischer Garcia Hansen Ito Jansen Kim Lopez Meyer Novak "
    "O'Brien Patel Quist Rossi Silva Tanaka Ueda Varga Weber Young"
).split()
STORES = [
    ("S1", "Online", None, 0.0, date(2022, 3, 1)),
    ("S2", "Boston", "US", 0.06, date(2022, 9, 1)),
    ("S3", "Portland", "US", 0.0, date(2023, 4, 8)),
    ("S4", "Montreal", "CA", 0.15, date(2023, 11, 4)),
    ("S5", "Hamburg", "DE", 0.19, date(2024, 10, 12)),
]
CATALOGUE = [
    # sku, name, category, price, cost
    ("COF-10", "House blend 250 g", "coffee", 9.0, 3.60),
    ("COF-11", "Ethiopia washed 250 g", "coffee", 13.0, 6.10),
    ("COF-12", "Decaf 250 g", "coffee", 11.0, 4.90),
    ("COF-20", "House blend 1 kg", "coffee", 31.0, 13.20),
    ("TEA-10", "Sencha 100 g", "tea", 12.0, 4.40),
    ("TEA-11", "Earl Grey 100 g", "tea", 8.0, 2.30),
    ("TEA-12", "Barley tea 500 g", "tea", 6.0, 1.70),
    ("FIL-01", "Paper filters, 100", "supplies", 5.0, 1.10),
    ("FIL-02", "Cloth filter", "supplies", 9.0, 2.90),
    ("EQU-01", "Hand grinder", "equipment", 64.0, 33.00),
    ("EQU-02", "Pour-over kettle", "equipment", 48.0, 24.50),
    ("EQU-03", "Enamel mug", "equipment", 14.0, 5.20),
]
SHOP_FIRST, SHOP_DAYS = date(2023, 7, 1), 548


def shop() -> list[Table]:
    dice = Dice(7)
    stores = Table(
        "stores",
        {
            "store_id": "VARCHAR", "store_name": "VARCHAR", "country": "VARCHAR",
            "tax_rate": "DOUBLE", "opened_on": "DATE",
        },
    )  # fmt: skip
    for row in STORES:
        stores.add(*row)
    products = Table(
        "products",
        {
            "sku": "VARCHAR", "product_name": "VARCHAR", "category": "VARCHAR",
            "unit_price": "DECIMAL(10,2)", "unit_cost": "DECIMAL(10,2)",
        },
    )  # fmt: skip
    for sku, name, category, price, cost in CATALOGUE:
        products.add(sku, name, category, f"{price:.2f}", f"{cost:.2f}")
    customers, numbers = shop_customers(dice)
    orders, items, returns = shop_orders(dice, numbers)
    return [customers, stores, products, orders, items, returns]


def shop_customers(dice: Dice) -> tuple[Table, list[int]]:
    table = Table(
        "customers",
        {
            "customer_id": "INTEGER", "full_name": "VARCHAR", "country": "VARCHAR",
            "channel": "VARCHAR", "signed_up_on": "DATE", "is_subscriber": "BOOLEAN",
        },
    )  # fmt: skip
    numbers = []
    for index in range(260):
        country = dice.weighted([("US", 52), ("CA", 18), ("DE", 20), ("KR", 6), (None, 4)])
        channel = dice.weighted([("search", 40), ("social", 30), ("friend", 22), (None, 8)])
        joined = SHOP_FIRST - timedelta(days=200) + timedelta(days=dice.below(700))
        name = f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_NAMES)}"
        subscriber = "true" if dice.chance(0.28) else "false"
        table.add(1001 + index, name, country, channel, joined, subscriber)
        numbers.append(1001 + index)
    return table, numbers


def shop_orders(dice: Dice, customers: list[int]) -> tuple[Table, Table, Table]:
    orders = Table(
        "orders",
        {
            "order_id": "INTEGER", "customer_id": "INTEGER", "store_id": "VARCHAR",
            "ordered_at": "TIMESTAMP", "status": "VARCHAR", "subtotal": "DECIMAL(12,2)",
            "tax": "DECIMAL(12,2)", "shipping": "DECIMAL(12,2)",
        },
    )  # fmt: skip
    items = Table(
        "order_items",
        {
            "order_item_id": "INTEGER", "order_id": "INTEGER", "sku": "VARCHAR",
            "quantity": "INTEGER", "unit_price": "DECIMAL(10,2)", "ordered_on": "DATE",
        },
    )  # fmt: skip
    returns = Table(
        "returns",
        {
            "return_id": "INTEGER", "order_id": "INTEGER", "returned_on": "DATE",
            "reason": "VARCHAR", "refund": "DECIMAL(12,2)",
        },
    )  # fmt: skip
    moments = sorted(shop_moment(dice) for _ in range(1500))
    for index, moment in enumerate(moments):
        order = 50001 + index
        stores = [(s[0], 4.0 if s[0] == "S1" else 2.0) for s in STORES if s[4] <= moment.date()]
        store = dice.weighted(stores)
        rate = next(item[3] for item in STORES if item[0] == store)
        customer: int | None = customers[dice.skewed(len(customers))]
        if store != "S1" and dice.chance(0.12):
            # Paid in cash at the counter: nobody knows who it was.
            customer = None
        elif dice.chance(0.006):
            # The account was deleted; the order keeps its number.
            customer = 9999
        status = dice.weighted([("completed", 90), ("cancelled", 5), ("open", 5)])
        subtotal = 0.0
        for _ in range(dice.weighted([(1, 46), (2, 32), (3, 14), (4, 6), (0, 2)])):
            sku, _, _, price, _ = CATALOGUE[dice.skewed(len(CATALOGUE), 0.3)]
            known: str | None = sku
            if dice.chance(0.01):
                known = None
            quantity = dice.weighted([(1, 78), (2, 17), (3, 5)])
            paid = price * (0.9 if dice.chance(0.1) else 1.0)
            subtotal += quantity * paid
            line = 700001 + len(items.rows)
            items.add(line, order, known, quantity, f"{paid:.2f}", moment.date())
        shipping = 4.9 if store == "S1" and 0 < subtotal < 40 else 0.0
        orders.add(
            order, customer, store, moment, status, f"{subtotal:.2f}", f"{subtotal * rate:.2f}",
            f"{shipping:.2f}",
        )  # fmt: skip
        if status == "completed" and subtotal and dice.chance(0.06):
            back = moment.date() + timedelta(days=dice.between(1, 30))
            part = 1.0 if dice.chance(0.6) else 0.5
            reason = dice.weighted([("late", 30), ("wrong item", 25), ("damaged", 25), (None, 20)])
            returns.add(3001 + len(returns.rows), order, back, reason, f"{subtotal * part:.2f}")
    return orders, items, returns


def shop_moment(dice: Dice) -> datetime:
    """Growing over the months, busy before Christmas and at lunch time."""
    while True:
        day = dice.below(SHOP_DAYS)
        when = SHOP_FIRST + timedelta(days=day)
        weight = 0.35 + 0.4 * day / SHOP_DAYS + (0.25 if when.month in (11, 12) else 0.0)
        if not dice.chance(weight):
            continue
        hour = dice.weighted([(9, 1), (11, 2), (12, 5), (13, 4), (15, 2), (18, 3), (20, 2)])
        minute, second = dice.below(60), dice.below(60)
        return datetime(when.year, when.month, when.day, hour, minute, second)


WORKSPACES: dict[str, Callable[[], list[Table]]] = {"bank": bank, "shop": shop}


def files() -> Iterator[tuple[Path, str]]:
    """Every file this script is responsible for, with the text it must have."""
    for name, make in WORKSPACES.items():
        tables = make()
        for table in tables:
            yield HERE / name / "data" / name / f"{table.name}.csv", table.csv()
        yield HERE / name / "data" / "types.json", types(name, tables)


def types(schema: str, tables: Iterable[Table]) -> str:
    declared = {f"{schema}.{table.name}": table.columns for table in tables}
    return json.dumps(declared, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the example workspaces' CSV files.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if not fresh")
    check = parser.parse_args(arguments).check
    stale = 0
    for path, text in files():
        # newline="" keeps the bytes the same on every system.
        if check:
            fresh = path.exists() and path.read_bytes() == text.encode()
            stale += not fresh
            print(f"{'fresh' if fresh else 'STALE'} {path.relative_to(HERE)}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            print(f"{len(text.encode()):>8} {path.relative_to(HERE)}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
