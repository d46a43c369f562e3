-- Plays the steps of $SMQ_STEPS with typed keys and the built-in client; the outcome of each is a
-- line of $SMQ_REPORT. Works from Neovim 0.7; sourced after the configuration.

local folder = vim.env.SMQ_FOLDER
local patience = tonumber(vim.env.SMQ_PATIENCE) * 1000
local story

local function pause(milliseconds)
  vim.defer_fn(function()
    local ok, problem = coroutine.resume(story)
    if not ok then
      vim.fn.writefile({ vim.fn.json_encode({ name = 'driver', ok = false, seen = problem }) }, vim.env.SMQ_REPORT, 'a')
      vim.cmd('cquit!')
    end
  end, milliseconds)
  coroutine.yield()
end

local function lines(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
end

local function satisfied(step, seen)
  for _, text in ipairs(step.shows) do
    if not seen:find(text, 1, true) then return false end
  end
  for _, text in ipairs(step.hides) do
    if seen:find(text, 1, true) then return false end
  end
  return true
end

local function watch(step, look)
  local waited, seen = 0, look()
  while not satisfied(step, seen) and waited < patience do
    pause(30)
    waited, seen = waited + 30, look()
  end
  return satisfied(step, seen), seen
end

local function place(at)
  local caret = at:find('^', 1, true)
  local text = at:sub(1, caret - 1) .. at:sub(caret + 1)
  local whole = lines(0)
  local found = assert(whole:find(text, 1, true), text .. ' is not in the file')
  local before = vim.split(whole:sub(1, found + caret - 2), '\n', { plain = true })
  vim.api.nvim_win_set_cursor(0, { #before, #before[#before] })
end

local function is_attached()
  local clients = vim.lsp.get_clients and vim.lsp.get_clients() or vim.lsp.get_active_clients()
  for _, client in pairs(clients) do
    if client.initialized ~= false and vim.lsp.buf_is_attached(0, client.id) then return true end
  end
  return false
end

local function open(name)
  local known = vim.fn.bufnr(name)
  if known > 0 and vim.api.nvim_buf_is_loaded(known) then
    vim.cmd('buffer ' .. known)
  else
    vim.cmd('edit ' .. vim.fn.fnameescape(name))
  end
end

local look = {}

function look.diagnostics()
  return table.concat(vim.tbl_map(function(d) return d.message end, vim.diagnostic.get(0)), '\n')
end
look.type = look.diagnostics

function look.fix(step)
  local found = {}
  for _, file in ipairs(step.files) do
    -- A file that a rename has opened is a buffer without a window.
    local buffer = vim.fn.bufnr(folder .. '/' .. file)
    table.insert(found, buffer < 0 and '' or lines(buffer))
  end
  return table.concat(found, '\n')
end
look.rename = look.fix

function look.hover()
  local found = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      table.insert(found, lines(vim.api.nvim_win_get_buf(window)))
    end
  end
  return table.concat(found, '\n')
end

function look.completion()
  local words = {}
  for _, item in ipairs(vim.fn.complete_info({ 'items' }).items) do
    table.insert(words, item.abbr ~= '' and item.abbr or item.word)
  end
  return table.concat(words, '\n')
end

function look.definition()
  local name = vim.api.nvim_buf_get_name(0):sub(#folder + 2)
  return name .. ':' .. vim.api.nvim_win_get_cursor(0)[1]
end

local act = {}

function act.hover() vim.lsp.buf.hover() end
function act.completion() vim.api.nvim_input('i<C-x><C-o>') end
function act.definition() vim.lsp.buf.definition() end
function act.rename(step) vim.lsp.buf.rename(step.text) end
function act.type(step) vim.api.nvim_input('i' .. step.text .. '<Esc>') end

function act.fix(step)
  local function wanted(action) return action.title:find(step.text, 1, true) ~= nil end
  if vim.fn.has('nvim-0.8') == 1 then
    vim.lsp.buf.code_action({ filter = wanted, apply = true })
    return
  end
  vim.ui.select = function(items, _, choose)
    for _, item in ipairs(items) do
      if wanted(item[2]) then return choose(item) end
    end
  end
  vim.lsp.buf.code_action()
end

local function play(step)
  vim.cmd('stopinsert')
  -- A float of the step before would be looked at as if it were new.
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then vim.api.nvim_win_close(window, true) end
  end
  open(folder .. '/' .. step.file)
  local waited = 0
  while not is_attached() and waited < patience do
    pause(30)
    waited = waited + 30
  end
  if step.at ~= '' then place(step.at) end
  if act[step['do']] then act[step['do']](step) end
  local ok, seen = watch(step, function() return look[step['do']](step) end)
  if step['do'] == 'completion' then
    vim.api.nvim_input('<C-e><Esc>')
    pause(100)
  end
  return ok, seen
end

story = coroutine.create(function()
  local steps = vim.fn.json_decode(table.concat(vim.fn.readfile(vim.env.SMQ_STEPS), '\n'))
  for _, step in ipairs(steps) do
    local fine, ok, seen = pcall(play, step)
    local line = { name = step.name, ok = fine and ok, seen = fine and seen or tostring(ok) }
    vim.fn.writefile({ vim.fn.json_encode(line) }, vim.env.SMQ_REPORT, 'a')
  end
  vim.cmd('qall!')
end)
vim.schedule(function() coroutine.resume(story) end)
