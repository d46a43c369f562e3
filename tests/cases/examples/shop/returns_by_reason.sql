SELECT reason, COUNT(*), SUM(refund) FROM returns GROUP BY reason ORDER BY 3 DESC
