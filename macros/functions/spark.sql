-- The functions of duckdb.sql as Spark has them, with the same results. What a function is for,
-- duckdb.sql says; here stands what is otherwise on Spark.
--
-- Each is a persistent function in the session's own catalog, made when a run starts: a temporary
-- one can't call another by its full name, and by the short one something else could stand in.
-- A statement ends with `;` at the end of a line, and nothing else does. Patterns are raw
-- literals, r'\d': in others a backslash escapes.

