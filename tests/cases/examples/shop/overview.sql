SELECT (SELECT COUNT(*) FROM customers), (SELECT COUNT(*) FROM customers WHERE is_subscriber),
       (SELECT COUNT(*) FROM stores), (SELECT COUNT(*) FROM orders WHERE status <> 'cancelled'),
       (SELECT SUM(subtotal) FROM orders WHERE status <> 'cancelled'),
       (SELECT COUNT(*) FROM returns) / (SELECT COUNT(*) FROM orders WHERE status <> 'cancelled')
