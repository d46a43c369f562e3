-- Money comes in when something is ordered, and goes out when it arrives back.
WITH sold AS (
  SELECT strftime(ordered_at, '%Y-%m-01') AS m, SUM(subtotal) AS revenue
  FROM orders WHERE status <> 'cancelled' GROUP BY 1
), back AS (
  SELECT strftime(returned_on, '%Y-%m-01') AS m, SUM(refund) AS refunds FROM returns GROUP BY 1
)
SELECT CAST(m AS TIMESTAMP), sold.revenue, COALESCE(back.refunds, 0),
       sold.revenue - COALESCE(back.refunds, 0)
FROM sold FULL JOIN back USING (m)
ORDER BY m
