-- Names the format to whoever opens the file with another program.
CREATE TABLE about (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO about (key, value) VALUES
    ('format', 'packetheat store: located network traffic, one compressed block of columns a batch'),
    ('read', 'packetheat export sqlite -o points.sqlite --data DIR'),
    ('more', 'packetheat db stats --data DIR; packetheat help');

-- Ids that blocks refer to. Rows are only ever added; 0 is "none" and has no row.
CREATE TABLE sensors (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);
CREATE TABLE places (
    id          INTEGER PRIMARY KEY,
    latitude    REAL NOT NULL,
    longitude   REAL NOT NULL,
    country     TEXT NOT NULL,
    region      TEXT NOT NULL,
    city        TEXT NOT NULL,
    precision   INTEGER NOT NULL, -- 0 none, 1 country, 2 region, 3 city
    accuracy_km INTEGER NOT NULL
);
CREATE TABLE asns (
    id  INTEGER PRIMARY KEY,
    asn INTEGER NOT NULL,
    org TEXT NOT NULL
);
CREATE TABLE geo_sources (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    built       INTEGER NOT NULL, -- Unix seconds
    attribution TEXT NOT NULL,
    url         TEXT NOT NULL
);

-- What one commit added. Small rows, so that coverage never touches a block.
CREATE TABLE batches (
    id     INTEGER PRIMARY KEY,   -- in order of commit
    tick   INTEGER NOT NULL,      -- start, Unix seconds
    sensor INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    on_ns  INTEGER NOT NULL,      -- captured from here …
    off_ns INTEGER NOT NULL,      -- … to here, nanoseconds since the tick's start
    points INTEGER NOT NULL,
    geo    TEXT NOT NULL,         -- ids of geo_sources, joined by commas
    books  BLOB NOT NULL          -- sealed counters
);
CREATE UNIQUE INDEX batches_by_tick ON batches (tick, sensor, seq);

-- The points of a batch that has any: amounts by place first, endpoints apart,
-- so that a map never reads an address.
CREATE TABLE blocks (
    id   INTEGER PRIMARY KEY,     -- of the batch
    sums BLOB NOT NULL,
    ends BLOB NOT NULL
);
