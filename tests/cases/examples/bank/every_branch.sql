SELECT b.brncd, b.brn_nm,
       (SELECT COUNT(*) FROM cust_base c WHERE c.brn_cd = b.brncd) AS customers,
       (SELECT COUNT(*) FROM acct_base a JOIN cust_base c USING (cust_no) WHERE c.brn_cd = b.brncd),
       (SELECT SUM(credit_lmt) FROM cust_base c WHERE c.brn_cd = b.brncd)
FROM brn_base b
ORDER BY customers, b.brncd
LIMIT 8
