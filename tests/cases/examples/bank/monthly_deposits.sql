WITH kept AS (
  SELECT make_date(year(txn_dt), month(txn_dt), 1) AS m, txn_typ = '입금' AS is_in, txn_amt
  FROM txn_dtl
  WHERE cncl_yn <> 'Y'
), months AS (
  SELECT m, SUM(txn_amt * CAST(is_in AS INTEGER)) AS inflow,
         SUM(txn_amt * CAST(NOT is_in AS INTEGER)) AS outflow
  FROM kept
  GROUP BY m
)
SELECT m, inflow, outflow, inflow - outflow,
       (SELECT SUM(e.inflow) FROM months e WHERE e.m <= months.m)
FROM months
ORDER BY m
