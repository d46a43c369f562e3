-- Customers are counted among customers and money among accounts; an account without an owner has
-- no grade, and is still there.
WITH grades AS (
  SELECT DISTINCT cust_grd FROM cust_base
  UNION
  SELECT NULL
)
SELECT
  g.cust_grd,
  NULLIF((SELECT COUNT(*) FROM cust_base c WHERE c.cust_grd = g.cust_grd), 0) AS customers,
  (SELECT COUNT(*) FROM acct_base a
   WHERE (SELECT c.cust_grd FROM cust_base c WHERE c.cust_no = a.cust_no)
         IS NOT DISTINCT FROM g.cust_grd),
  (SELECT SUM(a.balance) FROM acct_base a JOIN cust_base c USING (cust_no)
   WHERE c.cust_grd = g.cust_grd)
  / NULLIF((SELECT COUNT(*) FROM cust_base c WHERE c.cust_grd = g.cust_grd), 0)
FROM grades g
