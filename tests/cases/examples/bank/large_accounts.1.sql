SELECT (SELECT COUNT(*) FROM cust_base), (SELECT COUNT(*) FROM acct_base),
       (SELECT COUNT(*) FROM txn_dtl),
       (SELECT SUM(balance) FROM acct_base WHERE left(prd_cd, 1) = 'D'),
       (SELECT SUM(balance) FROM acct_base WHERE left(prd_cd, 1) = 'D')
       / (SELECT SUM(credit_lmt) FROM cust_base)
