-- Who was seen: a summary of the addresses of one sensor's day, and of 30 and 360 days of
-- it, sorted by address. They may outlive the points. Days are the truth where the points
-- are gone; the longer ones are an accelerator, made of days.
CREATE TABLE addresses (
    id     INTEGER PRIMARY KEY AUTOINCREMENT, -- never given again
    days   INTEGER NOT NULL,      -- 1, 30, 360; 0: not finished, or given up
    start  INTEGER NOT NULL,      -- Unix seconds, a multiple of so many days
    sensor INTEGER NOT NULL,
    upto   INTEGER NOT NULL,      -- where it ends; before the day's end: what comes then is in points
    tier   INTEGER NOT NULL,      -- of a day: id of the day's tier that was there then; 0: none
    made   BLOB NOT NULL,         -- of longer ones: which days it was made from, hashed
    chunks INTEGER NOT NULL,
    head   BLOB NOT NULL          -- sealed: how many addresses, their sums, the first of each chunk
);
CREATE UNIQUE INDEX addresses_by_time ON addresses (days, sensor, start) WHERE days > 0;

-- Their chunks: id is that of the summary × 65536 + the number of the chunk.
CREATE TABLE address_chunks (
    id   INTEGER PRIMARY KEY,
    ends BLOB NOT NULL,           -- sealed: the addresses
    sums BLOB NOT NULL            -- sealed: first and last tick, packets, octets, opens
);
