WITH months AS (
  SELECT make_date(year(txn_dt), month(txn_dt), 1) AS m, COUNT(*) AS n,
         SUM(fee_amt) - SUM(CASE WHEN cncl_yn = 'Y' THEN fee_amt ELSE 0 END) AS fees
  FROM txn_dtl
  GROUP BY 1
)
SELECT m, n, fees, n - (SELECT p.n FROM months p WHERE p.m = months.m - INTERVAL 1 MONTH)
FROM months
ORDER BY m
