-- Read the same fields of many hashes at one moment.
--
-- KEYS  hashes
-- ARGV  fields
-- Gives for each hash the values in the fields' order, nil where there is none
local answers = {}
for index, key in ipairs(KEYS) do answers[index] = redis.call('HMGET', key, unpack(ARGV)) end
return answers
