package clickhouse

import (
	"context"
	"testing"

	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

var hostile = []string{
	"", "gw1", "it's", `it''s`, "`; DROP TABLE points; --", `back\slash`, `\`, `\'`, "a\x00b", "\xff\xfe", "line\nfeed\tand\rmore",
	"{x:String}", "?", "$1", "@name", "ä – 北京", "' OR 1 = 1 --", "/* ", "%s%d", "\b\x1a",
}

// TestQuoting asks servers for what was quoted: they have to say it as it was.
func TestQuoting(t *testing.T) {
	t.Parallel()
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		ctx := context.Background()
		s := connect(t, server, Options{Database: `odd'"\na` + "`me"})
		for _, text := range hostile {
			var got string
			if err := s.conn.QueryRow(ctx, "SELECT "+quoteText(text)+" AS "+quoteName("c"+text)).Scan(&got); err != nil || got != text {
				t.Errorf("%q came back as %q, %v", text, got, err)
			}
		}
		if err := s.Init(ctx); err != nil { // a database's name is one like another
			t.Fatal(err)
		}
		var n uint64
		if err := s.conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = "+quoteText(s.o.Database)).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d databases of that name, %v", n, err)
		}
	})
}
