SELECT c.cust_no, c.cust_nm, COUNT(*)
FROM cust_base c, acct_base a
WHERE a.cust_no = c.cust_no AND a.open_dt BETWEEN DATE '2024-01-01' AND DATE '2099-01-01'
GROUP BY c.cust_no, c.cust_nm
ORDER BY COUNT(*) DESC, c.cust_no
LIMIT 10
