-- Make the group at the stream's beginning where there is none. A group that has counted before
-- and is gone is not made again: it would count everything twice.
--
-- KEYS  stream, status
-- ARGV  group, field of the high-water id, field that says the group moved
-- Gives {"JOINED"} | {"CREATED"} | {"MOVED", how}
local known = redis.call('HMGET', KEYS[2], ARGV[3], ARGV[2])
if known[1] then return {'MOVED', known[1]} end
if redis.call('EXISTS', KEYS[1]) == 1 then
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    for at = 1, #info, 2 do
      if info[at] == 'name' and info[at + 1] == ARGV[1] then return {'JOINED'} end
    end
  end
end
if known[2] then
  local how = 'gone, counted up to ' .. known[2]
  redis.call('HSET', KEYS[2], ARGV[3], how)
  return {'MOVED', how}
end
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
return {'CREATED'}
