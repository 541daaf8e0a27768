-- The tables of a history: the names of its folders are columns, with these types.
CREATE VIEW pairs AS SELECT *, make_timestamp_ns(wall_ns) AS ended
  FROM read_parquet('history/pairs/**/*.parquet', hive_types = {'day': DATE, 'host': VARCHAR, 'vm': VARCHAR});
CREATE VIEW records AS SELECT *
  FROM read_parquet('history/records/**/*.parquet', hive_types = {'day': DATE, 'host': VARCHAR, 'vm': VARCHAR});
-- ns as ms, with three digits
CREATE MACRO ms(ns) AS format('{:.3f}', ns / 1e6);
