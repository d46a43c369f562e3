"""A workspace of three hundred models, in which a question is about one of them.

Fifty subjects, half of them in Korean, stand between two hundred and fifty tables of the kind every
warehouse is full of: code tables, logs, snapshots and summaries of each department, whose words
are those of everyday questions. The words of the subjects were written together with the
questions of `held_out/large.json` and without a look at how files are selected.
"""

from __future__ import annotations

from functools import cache

from smq.syntax import Document
from smq.workspace import Snapshot, build

ROOT = "file:///large"

# The model, its label and description; a dimension with its label; a metric, its label and
# description.
_SUBJECTS = (
    ("admissions", "Admissions", "One row for each stay of a patient in the hospital.",
     "ward", "Ward", "average_stay", "Average length of stay", "Days from admission to discharge."),
    ("er_visits", "Emergency visits", "One row for each patient who came to the emergency room.",
     "triage", "Triage level", "er_wait", "Waiting time", "Mean minutes until a doctor came."),
    ("prescriptions", "Prescriptions", "Medicine that a doctor prescribed.",
     "drug", "Drug", "prescription_count", "Prescriptions", "How often a drug was prescribed."),
    ("lab_tests", "Lab tests", "One row for each sample that was analysed.",
     "analyte", "Analyte", "abnormal_share", "Abnormal results", "Share outside of the range."),
    ("flights", "Flights", "One row for each departure.",
     "airline", "Airline", "flight_delay", "Delay", "Mean minutes a flight was late."),
    ("crew_shifts", "Crew shifts", "Hours of pilots and cabin crew.",
     "base", "Home base", "crew_hours", "Duty hours", "Hours on duty, flying or not."),
    ("lost_baggage", "Lost baggage", "Bags that did not arrive, as reported at the airport.",
     "airport", "Airport", "lost_bags", "Lost bags", "Reports of missing bags."),
    ("hotel_nights", "Hotel nights", "One row for each room and night.",
     "city", "City", "occupied_rooms", "Occupied rooms", "Rooms with a guest."),
    ("invoices", "Invoices", "What customers owe us, one row for each invoice.",
     "due_class", "Due class", "overdue_amount", "Overdue amount", "Euros not paid in time."),
    ("payments", "Payments", "Money that came in, one row for each transfer.",
     "method", "Method", "received_amount", "Received", "Euros received."),
    ("payroll", "Payroll", "Monthly pay of everybody employed.",
     "grade", "Pay grade", "gross_pay", "Gross pay", "Salaries before tax."),
    ("job_applications", "Job applications", "One row for each candidate and vacancy.",
     "vacancy", "Vacancy", "application_count", "Applications", "Candidates who applied."),
    ("employee_exits", "Leavers", "Employees who left the company.",
     "department", "Department", "leavers", "Leavers", "Employees who left, for any reason."),
    ("training_sessions", "Training", "Courses that employees attended.",
     "topic", "Topic", "training_hours", "Training hours", "Hours in class."),
    ("support_tickets", "Support tickets", "Questions of customers to the help desk.",
     "priority", "Priority", "first_response_time", "First response time",
     "Mean hours until somebody answered."),
    ("phone_calls", "Calls", "One row for each phone call of the call center.",
     "queue", "Queue", "call_count", "Calls", "Phone calls that were answered."),
    ("web_sessions", "Website sessions", "One row for each visit to the website.",
     "landing_page", "Landing page", "bounce_rate", "Bounce rate", "Share of one-page visits."),
    ("web_visitors_daily", "Website visitors", "People who came to the website on a day.",
     "device", "Device", "web_visitors", "Visitors", "Different visitors."),
    ("ad_campaigns", "Ad campaigns", "Costs and clicks of ads, by day.",
     "campaign", "Campaign", "ad_spend", "Ad spend", "Money paid for ads."),
    ("newsletters", "Emails", "Each newsletter to each reader.",
     "issue", "Issue", "open_rate", "Open rate", "Share of emails that were opened."),
    ("warehouse_stock", "Stock on hand", "Pieces in each warehouse, every evening.",
     "warehouse", "Warehouse", "units_on_hand", "Stock level", "Pieces that can be sold."),
    ("shipments", "Shipments", "Parcels to customers.",
     "carrier", "Carrier", "late_shipments", "Late shipments", "Parcels after the promised day."),
    ("purchase_orders", "Purchase orders", "What we order from suppliers.",
     "supplier", "Supplier", "ordered_value", "Ordered value", "Euros of purchase orders."),
    ("machine_downtime", "Downtime", "Times when a machine did not run.",
     "plant", "Plant", "downtime_hours", "Downtime", "Hours a machine stood still."),
    ("subscriptions", "Subscriptions", "One row for each subscription and month.",
     "plan", "Plan", "churned_subscriptions", "Churn", "Subscriptions that were cancelled."),
    ("보험계약", "보험 계약", "체결된 보험 계약 한 건에 한 줄",
     "product", "보험 상품", "policy_count", "계약 건수", "새로 체결한 계약 수"),
    ("보험금청구", "보험금 청구", "사고가 나서 청구된 보험금",
     "cause", "사고 원인", "claim_paid", "지급 보험금", "심사를 거쳐 지급한 금액"),
    ("대출연체", "대출 연체", "갚을 날이 지난 대출 원금과 이자",
     "region", "지역", "overdue_loan_amount", "연체 금액", "30일 넘게 밀린 금액"),
    ("카드승인", "카드 승인", "신용카드와 체크카드의 승인 내역",
     "merchant_category", "가맹점 업종", "card_approved_amount", "승인 금액", "취소를 뺀 금액"),
    ("환전", "환전", "외화를 사고판 내역",
     "currency", "통화", "exchanged_amount", "환전 금액", "원화로 바꾼 금액"),
    ("펀드판매", "펀드 판매", "펀드 가입과 환매",
     "fund", "펀드", "fund_sales", "펀드 판매액", "가입 금액에서 환매를 뺀다"),
    ("직원휴가", "직원 휴가", "임직원이 쓴 휴가",
     "leave_type", "휴가 종류", "leave_days", "휴가 일수", "연차와 병가, 경조사를 합친 날 수"),
    ("출퇴근", "출퇴근 기록", "사원증을 찍은 시각",
     "building", "건물", "overtime_hours", "초과 근무 시간", "정해진 시간을 넘긴 근무"),
    ("택배배송", "택배 배송", "고객에게 보낸 택배",
     "courier", "택배사", "late_delivery_ratio", "지연 배송 비율", "약속한 날을 넘긴 배송의 비율"),
    ("창고재고", "창고 재고", "창고에 있는 품목별 수량",
     "item", "품목", "stock_quantity", "재고 수량", "출고할 수 있는 수량"),
    ("생산실적", "생산 실적", "공장에서 만든 수량",
     "factory", "공장", "output_quantity", "생산량", "양품만 센다"),
    ("불량검사", "불량 검사", "라인 끝에서 하는 품질 검사",
     "line", "라인", "defect_ratio", "불량률", "검사한 것 가운데 불량의 비율"),
    ("설비점검", "설비 점검", "정기 점검과 수리",
     "equipment", "설비", "inspection_count", "점검 횟수", "끝난 점검만 센다"),
    ("수강신청", "수강 신청", "학기마다 신청한 과목",
     "course", "과목", "enrolments", "신청 인원", "정정 기간이 끝난 뒤의 인원"),
    ("학생출석", "학생 출석", "수업마다 부른 출석",
     "class", "반", "absences", "결석 횟수", "사유가 있는 결석도 센다"),
    ("도서대출", "도서 대출", "도서관에서 책을 빌린 내역",
     "branch", "도서관", "loaned_books", "대출 권수", "빌려 간 책의 수"),
    ("민원접수", "민원 접수", "구청에 들어온 민원",
     "office", "담당 부서", "complaint_days", "처리 기간", "접수에서 처리까지 걸린 날"),
    ("주차이용", "주차장 이용", "공영 주차장에 들어온 차",
     "lot", "주차장", "parking_fee", "주차 요금", "받은 요금"),
    ("버스승하차", "버스 승하차", "교통카드로 버스를 타고 내린 기록",
     "route", "노선", "boardings", "승차 인원", "버스를 탄 사람"),
    ("전력사용", "전력 사용량", "공장과 건물의 전기 계량기",
     "meter", "계량기", "power_usage", "전력 사용량", "킬로와트시"),
    ("강수량", "강수량", "관측소에 내린 비와 눈",
     "station", "관측소", "rainfall", "강수량", "밀리미터. 눈은 녹여서 잰다."),
    ("부동산거래", "부동산 실거래", "신고된 아파트와 주택의 매매",
     "district", "동", "average_deal_price", "평균 거래 가격", "한 건당 거래 금액"),
    ("선거투표", "선거 투표", "투표소마다 투표한 사람",
     "polling_place", "투표소", "turnout", "투표율", "선거인 가운데 투표한 비율"),
    ("병원진료", "외래 진료", "병원에 와서 받은 진료",
     "clinic", "진료과", "outpatients", "외래 환자 수", "하루에 여러 번 와도 한 명"),
    ("항공예약", "항공권 예약", "항공권을 예약하고 취소한 내역",
     "cabin", "좌석 등급", "booked_seats", "예약 좌석", "취소를 뺀 좌석"),
)  # fmt: skip

_DEPARTMENTS = (
    ("finance", "Finance"), ("hr", "Personnel"), ("logistics", "Logistics"), ("sales", "Sales"),
    ("marketing", "Marketing"), ("support", "Customer service"), ("plant", "Production"),
    ("it", "Information technology"), ("재무", "재무"), ("인사", "인사"), ("물류", "물류"),
    ("영업", "영업"), ("총무", "총무"), ("고객지원", "고객 지원"), ("품질", "품질"),
)  # fmt: skip
_TABLES = (
    ("codes", "code table", "Codes and what they mean.", "코드", "코드와 그 뜻"),
    ("log", "change log", "Who changed what and when.", "변경 이력", "누가 언제 무엇을 바꾸었는지"),
    ("status", "status history", "Each status with its first day.", "상태 이력", "상태가 바뀐 날"),
    ("daily", "daily snapshot", "Numbers of each day.", "일별 집계", "하루마다 모은 수"),
    ("monthly", "monthly summary", "Amounts of each month.", "월별 집계", "달마다 모은 금액"),
    ("yearly", "yearly plan", "Planned amount of each year.", "연간 계획", "해마다 세운 목표 금액"),
    ("staff", "staff list", "People of the department.", "담당자", "부서의 직원과 연락처"),
    ("tasks", "task list", "Open tasks and how long they take.", "업무 목록", "업무와 걸린 시간"),
    ("orders", "internal orders", "What was ordered.", "내부 주문", "부서가 주문한 물품"),
    ("budget", "budget", "Money by cost centre.", "예산", "비용 항목별 예산"),
    ("audit", "audit trail", "Checks and their results.", "감사 기록", "점검과 그 결과"),
    ("archive", "archive", "Old rows, not used any more.", "보관 자료", "더는 쓰지 않는 옛 자료"),
    ("regions", "region table", "Areas and cities.", "지역 표", "지역과 도시"),
    ("customers", "customer list", "Customers of the department.", "거래처", "부서가 맡은 고객"),
    ("products", "product list", "Products of the department.", "상품 목록", "부서가 맡은 상품"),
    ("errors", "error list", "What went wrong, and how often.", "오류 목록", "잘못된 것과 그 횟수"),
    ("files", "file list", "Files with size and time.", "파일 목록", "파일의 크기와 시각"),
)  # fmt: skip


@cache
def large() -> Snapshot:
    """The workspace, a file for each model."""
    documents = [_document(*subject) for subject in _SUBJECTS]
    for number, (short, department) in enumerate(_DEPARTMENTS):
        korean = not department.isascii()
        for name, label, words, label_ko, words_ko in _TABLES:
            documents.append(
                _document(
                    f"{short}_{name}",
                    f"{department} {label_ko if korean else label}",
                    words_ko if korean else words,
                    "kind",
                    "종류" if korean else "Kind",
                    f"d{number}_{name}_count",
                    f"{department} {label_ko} 건수" if korean else f"{department} {label} rows",
                    "건수" if korean else "Number of rows.",
                )
            )
    return build(documents)


def _document(
    name: str,
    label: str,
    description: str,
    dimension: str,
    dimension_label: str,
    metric: str,
    metric_label: str,
    metric_description: str,
) -> Document:
    text = f"""\
semantic_models:
  - name: {name}
    table: w('{name}')
    label: {label}
    description: {description}
    entities:
      - {{name: {name}_key, type: primary, expr: id}}
    dimensions:
      - {{name: {dimension}, type: varchar, label: {dimension_label}}}
      - name: day
        type: date
        type_params: {{time_granularity: day}}
    measures:
      - {{name: amount, type: bigint}}
metrics:
  - name: {metric}
    metric_type: simple
    type: bigint
    label: {metric_label}
    description: {metric_description}
    expr: SUM({name}__amount)
"""
    return Document(f"{ROOT}/models/{name}.yml", text)
