-- Sums over whole intervals of 10m, 1h and 1d, aligned to the Unix epoch, of one
-- sensor each. The 10m tier also holds its points, exact to the tick: it takes the
-- place of the batches' blocks.
CREATE TABLE tiers (
    id      INTEGER PRIMARY KEY,
    level   INTEGER NOT NULL,      -- seconds: 600, 3600, 86400
    start   INTEGER NOT NULL,      -- Unix seconds, a multiple of level
    sensor  INTEGER NOT NULL,
    last    INTEGER NOT NULL,      -- id of the newest batch in it
    batches INTEGER NOT NULL,
    points  INTEGER NOT NULL,      -- of the batches
    keys    INTEGER NOT NULL,      -- rows of the full keys; 0 once they are given up
    chunks  INTEGER NOT NULL,      -- how many pieces they are in
    geo     TEXT NOT NULL,         -- as batches.geo
    books   BLOB NOT NULL,         -- sealed counters, summed
    spans   BLOB NOT NULL          -- sealed coverage
);
CREATE UNIQUE INDEX tiers_by_time ON tiers (level, sensor, start);
CREATE INDEX tiers_with_keys ON tiers (start) WHERE chunks > 0; -- what retention looks for

-- Tiers whose full keys have been given up, until the last of their parts is deleted.
CREATE TABLE gone (
    tier INTEGER PRIMARY KEY
);

-- The blobs of a tier: id is the tier's id × 65536 + the chunk × 16 + the number of
-- the part. Chunks are pieces of the full keys, in order; views are in chunk 0. Parts
-- of a tier that has no row are of one that was not finished.
CREATE TABLE parts (
    id   INTEGER PRIMARY KEY,
    data BLOB NOT NULL
);

-- Intervals of 10m of a sensor that have batches and no tier yet.
CREATE TABLE open (
    start  INTEGER NOT NULL,
    sensor INTEGER NOT NULL,
    PRIMARY KEY (start, sensor)
) WITHOUT ROWID;

-- Batches that came when a tier over their tick had been written, and that not every
-- such tier holds yet.
CREATE TABLE late (
    id     INTEGER PRIMARY KEY,    -- of the batch
    tick   INTEGER NOT NULL,
    sensor INTEGER NOT NULL
);

-- Where what is kept begins: points, and views of each level ('600', '3600', '86400'),
-- Unix seconds; no row: nothing has been deleted. 'generation' counts the transactions
-- that have moved or deleted blocks.
CREATE TABLE kept (
    what  TEXT PRIMARY KEY,
    start INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO kept (what, start) VALUES ('generation', 0);

INSERT OR IGNORE INTO open (start, sensor)
    SELECT tick - (tick % 600 + 600) % 600, sensor FROM batches;
