-- The month in which a branch first has more than twenty million.
WITH months AS (
  SELECT b.brn_nm, make_date(year(t.txn_dt), month(t.txn_dt), 1) AS m, SUM(t.txn_amt) AS inflow
  FROM txn_dtl t JOIN brn_base b ON b.brncd = t.brn_cd
  WHERE t.txn_typ = '입금' AND t.cncl_yn = 'N'
  GROUP BY ALL
), sums AS (
  SELECT *, (SELECT SUM(e.inflow) FROM months e WHERE e.brn_nm = months.brn_nm AND e.m <= months.m) AS total
  FROM months
)
SELECT brn_nm, m, inflow, total
FROM sums
WHERE total > 20000000 AND total - inflow <= 20000000
ORDER BY m, total DESC
