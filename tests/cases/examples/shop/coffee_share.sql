SELECT s.store_name, SUM(CASE WHEN i.sku LIKE 'COF-%' THEN i.quantity * i.unit_price END) AS coffee,
       SUM(i.quantity * i.unit_price) AS everything, coffee / everything
FROM order_items i, orders o, stores s
WHERE o.order_id = i.order_id AND s.store_id = o.store_id AND o.status <> 'cancelled'
GROUP BY s.store_name
ORDER BY 4 DESC
