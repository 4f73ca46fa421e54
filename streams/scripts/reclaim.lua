-- Take over what dead consumers of the group left pending, and remove those who have nothing left.
-- Dead is whose heartbeat is gone; of theirs, what is idle for long enough. Being slow is not being
-- dead, so idleness alone is nothing. XGROUP DELCONSUMER drops what is pending for good: whoever has
-- anything left stays, and one script does both, so that nobody comes back to life in between.
-- An entry that was trimmed away vanishes from the pending list as it is claimed: it is lost.
--
-- KEYS  stream, status
-- ARGV  group, consumer, min-idle-time (ms), most entries, most consumers, prefix of the heartbeats
-- Gives {names of the removed, how many entries were claimed, ids that are lost,
--       what DELCONSUMER dropped: 0, or the script is wrong}
local stream, status = KEYS[1], KEYS[2]
local group, consumer, idle_ms = ARGV[1], ARGV[2], ARGV[3]
local entries_left, consumers_left = tonumber(ARGV[4]), tonumber(ARGV[5])
local buried, claimed, lost, dropped = {}, 0, {}, 0
local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
if consumers.err then return {{}, 0, {}, 0} end
local is = redis.call('TYPE', status)['ok']
if is ~= 'hash' and is ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. status .. ' is no hash')
end

for _, info in ipairs(consumers) do
  local of = {}
  for at = 1, #info, 2 do of[info[at]] = info[at + 1] end
  local name = of['name']
  if consumers_left > 0 and name ~= consumer and redis.call('EXISTS', ARGV[6] .. name) == 0 then
    local ids = {}
    if of['pending'] > 0 and entries_left > 0 then
      local pending =
        redis.call('XPENDING', stream, group, 'IDLE', idle_ms, '-', '+', entries_left, name)
      for index, entry in ipairs(pending) do ids[index] = entry[1] end
    end
    if #ids > 0 then
      local present = {}
      -- JUSTID: to be taken over is no attempt, so it does not count as a delivery
      ids[#ids + 1] = 'JUSTID'
      for _, id in ipairs(redis.call('XCLAIM', stream, group, consumer, idle_ms, unpack(ids))) do
        present[id] = true
      end
      ids[#ids] = nil
      for _, id in ipairs(ids) do
        if present[id] then
          claimed = claimed + 1
        else
          redis.call('XACK', stream, group, id)
          lost[#lost + 1] = id
        end
      end
      entries_left = entries_left - #ids
    end
    if #redis.call('XPENDING', stream, group, '-', '+', 1, name) == 0 then
      dropped = dropped + redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
      buried[#buried + 1] = name
      consumers_left = consumers_left - 1
    end
  end
end
if #lost > 0 then redis.call('HINCRBY', status, 'lost_total', #lost) end
return {buried, claimed, lost, dropped}
