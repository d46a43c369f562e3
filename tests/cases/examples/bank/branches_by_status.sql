-- Every branch once; closed ones have status 9.
SELECT rgn_nm, COUNT(*), COUNT(*) FILTER (WHERE brn_stcd = 1)
FROM brn_base
GROUP BY rgn_nm
ORDER BY 2 DESC, 1
