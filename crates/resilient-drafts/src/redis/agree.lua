-- Notes one prefix for all names of a server, the smallest that is noted for any of them. What led to another one of
-- them leads there, too, whoever has that name, and what was left is noted: drafts are moved from there.
--
-- KEYS: the notes (a hash: name -> prefix, and 'left:' with a prefix -> the prefix its drafts have gone to).
-- ARGV: the prefix where none is noted, names. Returns the prefix.
local notes, own, least = KEYS[1], {}, nil
for at = 2, #ARGV do
  local prefix = redis.call('HGET', notes, ARGV[at])
  if prefix and prefix ~= '' then
    own[prefix] = true
    if not least or prefix < least then least = prefix end
  end
end
least = least or ARGV[1]
local all = redis.call('HGETALL', notes)
for at = 1, #all, 2 do
  if own[all[at + 1]] and all[at + 1] ~= least then redis.call('HSET', notes, all[at], least) end
end
for prefix in pairs(own) do
  if prefix ~= least then redis.call('HSET', notes, 'left:' .. prefix, least) end
end
for at = 2, #ARGV do redis.call('HSET', notes, ARGV[at], least) end
return least
