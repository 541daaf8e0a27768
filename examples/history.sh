# sql QUERY: the rows that DuckDB answers of the tables in history.sql.
sql() { node -e 'require("@duckdb/node-api").DuckDBInstance.create().then(async (db) => {
  const result = await (await db.connect()).runAndReadAll(process.argv[1])
  for (const row of [result.columnNames(), ...result.getRows()])
    console.log(row.map((value) => String(value).padEnd(11)).join(" ").trimEnd())
}).catch(({ message }) => console.log(message))' -- "$(cat history.sql) $1"; }
