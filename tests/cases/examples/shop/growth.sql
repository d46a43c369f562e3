WITH quarters AS (
  SELECT make_timestamp(year(ordered_at), 3 * quarter(ordered_at) - 2, 1, 0, 0, 0) AS q,
         SUM(subtotal) AS revenue, AVG(CAST(subtotal >= 60 AS INTEGER)) AS large
  FROM orders
  WHERE status <> 'cancelled'
  GROUP BY 1
)
SELECT q, revenue, revenue - (SELECT p.revenue FROM quarters p WHERE p.q = quarters.q - INTERVAL 3 MONTH), large
FROM quarters
ORDER BY q
