// Command chdb is a ClickHouse server for tests: it loads the library of the npm package
// chdb, the current engine in one process, and takes queries over HTTP on loopback as
// clickhouse-go sends them. Its data stay in a folder, so that it can be killed and
// started again.
//
// It is no server for anything else: queries run one after the other, everybody may ask,
// and settings of a query must be ones that a session can change.
package main
