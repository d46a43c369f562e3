WITH told AS (
  SELECT c.age_grp, t.*
  FROM txn_dtl t JOIN acct_base a USING (acct_no) JOIN cust_base c USING (cust_no)
  WHERE c.cust_typ = '개인'
)
SELECT age_grp, AVG(CASE WHEN chnl_nm = '모바일' THEN 1.0 ELSE 0.0 END) AS share, COUNT(*),
       CASE WHEN SUM(CAST(cncl_yn = 'Y' AS INTEGER)) > 0
            THEN AVG(CAST(cncl_yn = 'Y' AS INTEGER)) END
FROM told
GROUP BY age_grp
HAVING share > 0.45
ORDER BY share DESC
