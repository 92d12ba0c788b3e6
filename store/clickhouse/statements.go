package clickhouse

import (
	"fmt"
	"strconv"
	"strings"
)

// dedupWindow is how many inserts a table remembers the tokens of. An insert that is not
// known to have arrived is repeated before others of its sensor are sent, so that the
// window is used up only by what other sensors send in the meantime.
const dedupWindow = 10_000

// Statements returns the SQL that makes the database, its tables and views, in order. All
// of them do nothing where what they make is there.
func Statements(o Options, caps Capabilities) []string {
	list := []string{"CREATE DATABASE IF NOT EXISTS " + quoteName(o.database()) + o.onCluster()}
	for _, t := range tables(&o, caps) {
		list = append(list, t.create(&o, caps))
		if o.Cluster != "" && !t.whole {
			list = append(list, t.distribute(&o))
		}
	}
	if !caps.Tokens {
		return list
	}
	for _, r := range rollups {
		for _, l := range levels {
			target := r.name + "_" + l.name
			list = append(list, fmt.Sprintf("CREATE MATERIALIZED VIEW IF NOT EXISTS %s%s TO %s AS\n%s",
				o.table("feed_"+target), o.onCluster(), o.table(o.local(target)), r.selects(l, o.table(o.local("points")))))
		}
	}
	return list
}

// create returns the statement that makes the table with the rows.
func (t *table) create(o *Options, caps Capabilities) string {
	name := t.name
	if !t.whole {
		name = o.local(name)
	}
	columns := make([]string, 0, len(t.columns)+len(t.indexes))
	for _, c := range t.columns {
		columns = append(columns, "  "+c.define(caps))
	}
	for _, name := range t.indexes {
		columns = append(columns, fmt.Sprintf("  INDEX %s %s TYPE bloom_filter(0.01) GRANULARITY 1", quoteName("find_"+name), quoteName(name)))
	}
	s := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s (\n%s\n) ENGINE = %s", o.table(name), o.onCluster(), strings.Join(columns, ",\n"), t.engineOn(o))
	if t.partition != "" {
		s += "\nPARTITION BY " + t.partition
	}
	s += "\nORDER BY (" + t.order + ")"
	if t.primary != "" {
		s += "\nPRIMARY KEY (" + t.primary + ")"
	}
	if t.ttl != "" && caps.TTL {
		s += "\nTTL " + t.ttl
	}
	if set := t.settings(o, caps); len(set) > 0 {
		s += "\nSETTINGS " + strings.Join(set, ", ")
	}
	return s
}

func (c column) define(caps Capabilities) string {
	kind := c.kind
	if kind == "Text" {
		if kind = "String"; caps.Columns {
			kind = "LowCardinality(String)"
		}
	}
	s := quoteName(c.name) + " " + kind
	if c.codec != "" && caps.Columns {
		s += " CODEC(" + c.codec + ")"
	}
	return s
}

// engineOn returns the engine with its parameters: replicated on a cluster, under a path
// that names the shard, unless every node shall have the table.
func (t *table) engineOn(o *Options) string {
	var args []string
	name := t.engine
	if o.Cluster != "" {
		shard, replica := "{shard}", "{replica}"
		if t.whole {
			shard, replica = "all", "{shard}_{replica}"
		}
		name = "Replicated" + name
		args = []string{quoteText("/clickhouse/tables/" + shard + "/" + o.database() + "/" + t.name), quoteText(replica)}
	}
	if t.version != "" {
		args = append(args, t.version)
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

func (t *table) settings(o *Options, caps Capabilities) (list []string) {
	if t.ttl != "" && caps.TTL {
		list = append(list, "ttl_only_drop_parts = 1")
	}
	switch {
	case !t.window || !caps.Tokens:
	case o.Cluster != "":
		list = append(list, "replicated_deduplication_window = "+strconv.Itoa(dedupWindow), "replicated_deduplication_window_seconds = 604800")
	default:
		list = append(list, "non_replicated_deduplication_window = "+strconv.Itoa(dedupWindow))
	}
	return list
}

// distribute returns the statement that makes the table over the shards. A sensor's rows
// are all on one shard.
func (t *table) distribute(o *Options) string {
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s AS %s\nENGINE = Distributed(%s, %s, %s, cityHash64(sensor, origin))",
		o.table(t.name), o.onCluster(), o.table(o.local(t.name)),
		quoteText(o.Cluster), quoteText(o.database()), quoteText(o.local(t.name)))
}

// onCluster is the clause that makes a statement run on every node.
func (o *Options) onCluster() string {
	if o.Cluster == "" {
		return ""
	}
	return " ON CLUSTER " + quoteName(o.Cluster)
}

// local returns the name of the table that has the rows.
func (o *Options) local(name string) string {
	if o.Cluster == "" {
		return name
	}
	return name + "_local"
}

// table returns a name with its database, as SQL has it.
func (o *Options) table(name string) string { return quoteName(o.database()) + "." + quoteName(name) }
