SELECT s.store_name,
       SUM(o.subtotal) FILTER (WHERE o.status IN ('completed', 'open')) AS revenue,
       COUNT(*) FILTER (WHERE o.status IN ('completed', 'open')) AS n,
       AVG(o.subtotal) FILTER (WHERE o.status IN ('completed', 'open')),
       quantile_cont(o.subtotal, 0.5)
FROM orders o JOIN stores s USING (store_id)
WHERE year(o.ordered_at) = 2024
GROUP BY s.store_name
ORDER BY revenue DESC
