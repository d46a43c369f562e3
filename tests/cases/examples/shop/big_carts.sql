-- The largest order may have been cancelled: then the customer has not paid anything.
SELECT c.full_name, MAX(o.subtotal) AS largest,
       NULLIF(SUM(CAST(o.status <> 'cancelled' AS INTEGER)), 0),
       SUM(CASE WHEN o.status <> 'cancelled' THEN o.subtotal + o.tax + o.shipping END) AS paid
FROM orders o JOIN customers c USING (customer_id)
WHERE o.subtotal > 100
GROUP BY c.full_name
ORDER BY largest DESC, paid DESC
LIMIT 10
