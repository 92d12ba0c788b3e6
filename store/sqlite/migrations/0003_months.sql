-- Sums by place over 30 days of one sensor, made from its tiers of days: a long question
-- reads one of them in place of 30. They are an accelerator alone: one that does not
-- agree with the days that there are now is not used.
CREATE TABLE months (
    id     INTEGER PRIMARY KEY AUTOINCREMENT, -- never given again
    sensor INTEGER NOT NULL,
    start  INTEGER NOT NULL,       -- Unix seconds, a multiple of 30 days
    days   BLOB NOT NULL,          -- which tiers it was made from, hashed
    sums   BLOB NOT NULL,          -- as the parts 5 and 6 of a tier
    times  BLOB NOT NULL
);
CREATE UNIQUE INDEX months_by_time ON months (sensor, start);
