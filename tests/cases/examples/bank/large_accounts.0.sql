SELECT b.rgn_nm, COUNT(*) AS n, AVG(a.balance)
FROM acct_base a LEFT JOIN brn_base b ON b.brncd = a.brn_cd
WHERE a.balance > 30000000 AND left(a.prd_cd, 1) <> 'L'
GROUP BY b.rgn_nm
ORDER BY n DESC, b.rgn_nm
