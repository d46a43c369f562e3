WITH told AS (
  SELECT c.country, o.status, EXISTS (SELECT 1 FROM returns r WHERE r.order_id = o.order_id) AS back
  FROM orders o LEFT JOIN customers c USING (customer_id)
)
SELECT country, SUM(CAST(back AS INTEGER)) / SUM(CAST(status <> 'cancelled' AS INTEGER)) AS rate,
       SUM(CAST(status <> 'cancelled' AS INTEGER))
FROM told
GROUP BY country
HAVING rate > 0.04
ORDER BY rate DESC
