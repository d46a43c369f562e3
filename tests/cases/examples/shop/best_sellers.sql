SELECT p.category, p.product_name, SUM(i.quantity * i.unit_price) AS revenue, SUM(i.quantity),
       row_number() OVER (ORDER BY SUM(i.quantity * i.unit_price) DESC)
FROM order_items i
JOIN orders o USING (order_id)
LEFT JOIN products p USING (sku)
WHERE o.status <> 'cancelled'
GROUP BY p.category, p.product_name
ORDER BY revenue DESC
LIMIT 5
