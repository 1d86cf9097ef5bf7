// What the official client needs of a ClickHouse server: ping, DDL, inserts of rows and of a stream, results whole and as a
// stream, parameters, sessions, compression, and errors before and in the middle of a result.
const { createClient } = require('@clickhouse/client')
const assert = require('assert')
const { Readable } = require('stream')

async function check(client, session_id) {
  assert.equal((await client.ping()).success, true)
  await client.command({ query: 'DROP TABLE IF EXISTS js' })
  await client.command({ query: 'CREATE TABLE js (id UInt32, name String) ENGINE = MergeTree ORDER BY id' })

  const inserted = await client.insert({
    table: 'js',
    format: 'JSONEachRow',
    values: [{ id: 1, name: 'one' }, { id: 2, name: "tw'o\n\n" }],
  })
  assert.equal(inserted.executed, true)
  assert.equal(inserted.summary.written_rows, '2')
  const rows = Readable.from((function* () {
    for (let id = 3; id <= 10000; id++) yield { id, name: `row ${id}` }
  })(), { objectMode: true })
  await client.insert({ table: 'js', format: 'JSONEachRow', values: rows })
  await client.insert({ table: 'js', format: 'CSV', values: Readable.from(['10001,"a"\n', '10002,"b"\n'], { objectMode: false }) })

  const whole = await (await client.query({ query: 'SELECT * FROM js WHERE id < 3 ORDER BY id' })).json()
  assert.deepEqual(whole.data, [{ id: 1, name: 'one' }, { id: 2, name: "tw'o\n\n" }])
  assert.equal(whole.rows, 2)
  let count = 0
  const stream = (await client.query({ query: 'SELECT * FROM js ORDER BY id', format: 'JSONEachRow' })).stream()
  for await (const piece of stream) for (const row of piece) assert.equal(row.json().id, ++count)
  assert.equal(count, 10002)

  const bound = await client.query({
    query: 'SELECT {s:String} AS s, {n:Array(UInt8)} AS n, getSetting(\'max_threads\') AS t',
    query_params: { s: "it's\t\\ ü", n: [1, 2] },
    clickhouse_settings: { max_threads: 3 },
    format: 'JSONEachRow',
    query_id: 'from-javascript',
  })
  assert.equal(bound.query_id, 'from-javascript')
  assert.deepEqual(await bound.json(), [{ s: "it's\t\\ ü", n: [1, 2], t: '3' }])

  await client.command({ query: 'CREATE TEMPORARY TABLE tmp (x Int8)', session_id })
  await client.command({ query: 'INSERT INTO tmp VALUES (5)', session_id })
  assert.equal(await (await client.query({ query: 'SELECT x FROM tmp', format: 'TabSeparated', session_id })).text(), '5\n')

  await assert.rejects(client.query({ query: 'SELECT * FROM nope' }), { code: '60', type: 'UNKNOWN_TABLE' })
  await assert.rejects(client.insert({ table: 'nope', format: 'JSONEachRow', values: [{ a: 1 }] }), { code: '60' })
  await assert.rejects(client.insert({ table: 'js', format: 'JSONEachRow', values: [{ id: 'x' }] }))
  // Slow enough for the reader to keep up: Node drops what it has not read yet when a connection breaks.
  await assert.rejects(async () => {
    const broken = await client.query({
      query: `SELECT number, repeat('x', 10000) AS s, sleepEachRow(0.002), throwIf(number = 400) FROM numbers(500)`,
      format: 'JSONEachRow',
      clickhouse_settings: { max_block_size: '1' },
    })
    for await (const piece of broken.stream()) assert.ok(piece.length > 0)
  }, /throwIf/)
}

async function main() {
  const url = process.env.CH_URL
  const password = process.env.CH_PASSWORD
  for (const compression of [{}, { request: true, response: true }]) {
    const client = createClient({ url, password, compression })
    await check(client, `js ${compression.request}`)
    await client.close()
  }
  const other = createClient({ url, password, database: 'system' })
  assert.equal(await (await other.query({ query: 'SELECT currentDatabase()', format: 'TabSeparated' })).text(), 'system\n')
  await other.close()
  const wrong = createClient({ url, password: 'wrong' })
  await assert.rejects(wrong.query({ query: 'SELECT 1' }), { code: '516' })
  await wrong.close()
  console.log('all fine')
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
