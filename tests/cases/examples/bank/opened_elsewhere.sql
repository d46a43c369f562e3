SELECT home.brn_nm, COUNT(*) AS n, SUM(a.balance)
FROM acct_base a
JOIN cust_base c USING (cust_no)
JOIN brn_base home ON home.brncd = c.brn_cd
JOIN brn_base opened ON opened.brncd = a.brn_cd
WHERE home.brncd <> opened.brncd
GROUP BY home.brn_nm
ORDER BY n DESC, home.brn_nm
LIMIT 10
