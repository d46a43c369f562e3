SELECT p.prd_grp, p.prd_nm, SUM(s.bal_amt), COUNT(*),
       SUM(s.bal_amt * CAST(p.base_rt AS DOUBLE)) / SUM(s.bal_amt)
FROM acct_bal_snap s JOIN prd_snap p USING (base_dt, prd_cd)
WHERE base_dt = DATE '2024-06-30'
GROUP BY p.prd_grp, p.prd_nm
ORDER BY 1, 3 DESC
