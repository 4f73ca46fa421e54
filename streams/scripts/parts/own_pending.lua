-- Which of `items` (in the stream's order) are pending on us: id -> how often it was delivered; nil
-- where the group is gone.
local function own_pending(stream, group, consumer, items)
  local deliveries = {}
  local pending =
    redis.pcall('XPENDING', stream, group, items[1].id, items[#items].id, #items, consumer)
  if pending.err then return nil end
  for _, entry in ipairs(pending) do deliveries[entry[1]] = entry[4] end
  if #pending < #items then return deliveries end
  for _, item in ipairs(items) do
    if not deliveries[item.id] then
      -- others of ours lie between
      local own = redis.call('XPENDING', stream, group, item.id, item.id, 1, consumer)
      if #own > 0 then deliveries[item.id] = own[1][4] end
    end
  end
  return deliveries
end
