"""The decisions of ``decision.py`` as Redis takes them.  A test runs both side by side."""

from __future__ import annotations

from .decision import NEARLY, PIECES, SOON

_SHARED = f"""\
local PIECES, NEARLY, SOON = {PIECES}, {NEARLY}, {SOON}

local function numbers(text)
  local found = {{}}
  for word in string.gmatch(text, '%S+') do found[#found + 1] = tonumber(word) end
  return found
end

local function milliseconds(seconds)
  return math.max(1, math.ceil(seconds * 1000))
end

local function windowed(key, text, rule)
  local newest = math.floor(now * PIECES / rule[2])
  local counts, before = {{}}, text and numbers(text) or nil
  local ahead = 0
  if before then ahead = newest - before[1] end
  if ahead < 0 then
    before[1], ahead = newest, 0
    redis.call('SET', key, table.concat(before, ' '), 'PX', milliseconds(rule[2] * (1 + 1 / PIECES)))
  end
  for age = 0, PIECES do
    counts[age] = before and age >= ahead and before[age - ahead + 2] or 0
  end
  local over, wait = rule[5] - rule[4], 0
  for age = 0, PIECES do over = over + counts[age] end
  if over > 0 then
    for age = PIECES, 0, -1 do
      over = over - counts[age]
      if over <= 0 then
        wait = (newest + PIECES + 1 - age) * rule[2] / PIECES - now
        break
      end
    end
  end
  counts.newest = newest
  return counts, wait
end

local function used_of(key, text, rule)
  if not text then return 0 end
  local state = numbers(text)
  local passed = now - state[2]
  if passed >= 0 then return state[1] - passed * rule[3] end
  local lasts = state[1] / rule[3] + rule[4] / rule[3]
  redis.call('SET', key, string.format('%.17g %.17g', state[1], now), 'PX', milliseconds(lasts))
  return state[1]
end

local function take(key, rule, state, cost)
  if rule[2] > 0 then
    state[0] = math.max(0, state[0] + cost)
    local words = {{string.format('%.0f', state.newest)}}
    for age = 0, PIECES do words[#words + 1] = string.format('%.0f', state[age]) end
    redis.call('SET', key, table.concat(words, ' '), 'PX', milliseconds(rule[2] * (1 + 1 / PIECES)))
  else
    local used = math.max(0, math.max(0, state) + cost)
    local lasts = math.max(1, used / rule[3] + rule[4] / rule[3])
    redis.call('SET', key, string.format('%.17g %.17g', used, now), 'PX', milliseconds(lasts))
  end
end

local function state_of(rule)
  local key = keys[rule[1] + 1]
  local text = redis.call('GET', key)
  if rule[2] > 0 then return windowed(key, text, rule) end
  local used = used_of(key, text, rule)
  local over = used + rule[5] - rule[4]
  if over > NEARLY and over > SOON * rule[3] then return used, over / rule[3] end
  return used, 0
end
"""

DECIDE = f"""\
{_SHARED}
local blocks, rules = arguments[1], arguments[2]
for number = 1, blocks do
  local left = redis.call('PTTL', keys[number])
  if left > 0 then return {{'blocked', number - 1, left / 1000}} end
end
local refused, states = {{}}, {{}}
for number, rule in ipairs(rules) do
  local state, wait = state_of(rule)
  local punishment = rule[7]
  if punishment and punishment[3] > 0 then
    local left = redis.call('PTTL', keys[punishment[1] + 2])
    if left > 0 then wait = math.max(wait, left / 1000) end
  end
  if wait > 0 then refused[#refused + 1] = {{number - 1, wait}} end
  states[number] = state
end
if #refused == 0 then
  for number, rule in ipairs(rules) do
    if rule[6] then take(keys[rule[1] + 1], rule, states[number], rule[5]) end
  end
  return nil
end
local blocked = {{}}
for _, each in ipairs(refused) do
  local punishment = rules[each[1] + 1][7]
  if punishment then
    local at, block, cooldown, after, within, lasts, growing, longest, note = unpack(punishment)
    local strikes, cooling, offences = keys[at + 1], keys[at + 2], keys[at + 3]
    if cooldown > 0 then redis.call('SET', cooling, '1', 'PX', milliseconds(cooldown), 'NX') end
    if after > 0 then
      local count = redis.call('INCR', strikes)
      if count == 1 then redis.call('PEXPIRE', strikes, milliseconds(within)) end
      if count >= after then
        redis.call('DEL', strikes)
        local before = tonumber(redis.call('GET', offences) or '0')
        local seconds = math.min(longest, lasts * growing ^ before)
        redis.call('SET', keys[block + 1], note, 'PX', milliseconds(seconds))
        redis.call('SET', offences, before + 1, 'PX', milliseconds(2 * seconds))
        blocked[#blocked + 1] = {{block, seconds}}
      end
    end
  end
end
if #blocked > 0 then return {{'limited', refused, blocked}} end
return {{'limited', refused}}
"""

SPEND = f"""\
{_SHARED}
for _, rule in ipairs(arguments[2]) do
  take(keys[rule[1] + 1], rule, (state_of(rule)), rule[5])
end
return nil
"""
