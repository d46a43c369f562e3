-- Products starting with L are loans in every month.
SELECT make_date(year(base_dt), month(base_dt), 1),
       SUM(CASE WHEN prd_cd LIKE 'L%' THEN bal_amt END)
       / SUM(CASE WHEN prd_cd NOT LIKE 'L%' THEN bal_amt END),
       SUM(bal_amt)
FROM acct_bal_snap
GROUP BY 1
ORDER BY 1
