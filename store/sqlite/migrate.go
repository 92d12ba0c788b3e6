package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks the file as ours in SQLite's header ("PkHt").
const applicationID = 0x506b4874

// migrations returns the scripts in order; the first makes format 1.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	scripts := make([]string, len(names))
	for i, name := range names {
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		scripts[i] = string(b)
	}
	return scripts, nil
}

// migrate brings the store to the newest format, each step one transaction. The
// first one also fixes the tick.
func migrate(ctx context.Context, w *sql.Conn, tick time.Duration) error {
	scripts, err := migrations()
	if err != nil {
		return err
	}
	version, err := pragma(ctx, w, "user_version")
	if err != nil {
		return err
	}
	for i := int(version); i < len(scripts); i++ {
		if err := migrateStep(ctx, w, scripts[i], i+1, tick); err != nil {
			return fmt.Errorf("migrate to format %d: %w", i+1, err)
		}
	}
	return nil
}

func migrateStep(ctx context.Context, w *sql.Conn, script string, version int, tick time.Duration) error {
	tx, err := w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return err
	}
	if version == 1 {
		_, err = tx.ExecContext(ctx, `INSERT INTO about (key, value) VALUES ('tick_seconds', ?), ('made', ?)`,
			strconv.Itoa(int(tick/time.Second)), time.Now().UTC().Format(time.RFC3339))
		if err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version))
	if err != nil {
		return err
	}
	return tx.Commit()
}

// pragma reads a number.
func pragma(ctx context.Context, q queryer, name string) (n int64, err error) {
	rows, err := q.QueryContext(ctx, "PRAGMA "+name)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}
