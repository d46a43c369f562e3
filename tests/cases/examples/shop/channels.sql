WITH everybody AS (
  SELECT channel FROM customers UNION SELECT NULL
), sold AS (
  SELECT (SELECT c.channel FROM customers c WHERE c.customer_id = o.customer_id) AS channel, o.*
  FROM orders o
  WHERE o.status <> 'cancelled'
)
SELECT channel, people, buyers, revenue, revenue / people
FROM (
  SELECT e.channel,
         (SELECT COUNT(*) FROM customers c WHERE c.channel IS NOT DISTINCT FROM e.channel) AS people,
         (SELECT COUNT(DISTINCT s.customer_id) FROM sold s
          WHERE s.channel IS NOT DISTINCT FROM e.channel) AS buyers,
         (SELECT SUM(s.subtotal) FROM sold s WHERE s.channel IS NOT DISTINCT FROM e.channel) AS revenue
  FROM everybody e
)
ORDER BY revenue DESC
