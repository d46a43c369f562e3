" Plays the steps of $SMQ_STEPS in Vim with ALE; the outcome of each is a line of $SMQ_REPORT.
" Sourced after the configuration.

set noswapfile nobackup hidden viminfo= completeopt=menu,menuone,noselect
let g:ale_lint_delay = 50
let g:ale_hover_to_preview = 1

function! s:Satisfied(step, seen) abort
  for l:text in a:step.shows
    if stridx(a:seen, l:text) < 0
      return 0
    endif
  endfor
  for l:text in a:step.hides
    if stridx(a:seen, l:text) >= 0
      return 0
    endif
  endfor
  return 1
endfunction

function! s:Watch(step, Look) abort
  let l:start = reltime()
  let l:seen = a:Look()
  while !s:Satisfied(a:step, l:seen) && reltimefloat(reltime(l:start)) < str2nr($SMQ_PATIENCE)
    sleep 30m
    let l:seen = a:Look()
  endwhile
  return l:seen
endfunction

function! s:Place(at) abort
  let l:text = join(getline(1, '$'), "\n")
  let l:found = stridx(l:text, substitute(a:at, '\^', '', ''))
  let l:before = split(strpart(l:text, 0, l:found + stridx(a:at, '^')), "\n", 1)
  call cursor(len(l:before), len(l:before[-1]) + 1)
endfunction

function! s:Messages() abort
  return join(map(copy(ale#engine#GetLoclist(bufnr(''))), 'v:val.text'), "\n")
endfunction

function! s:Preview() abort
  for l:window in getwininfo()
    if getwinvar(l:window.winnr, '&previewwindow')
      return join(getbufline(l:window.bufnr, 1, '$'), "\n")
    endif
  endfor
  return ''
endfunction

function! s:Files(step) abort
  let l:found = []
  for l:file in a:step.files
    let l:name = $SMQ_FOLDER . '/' . l:file
    " A file that a rename changes is a buffer, or is written to the disk at once.
    let l:found += bufloaded(l:name) ? getbufline(l:name, 1, '$') : readfile(l:name)
  endfor
  return join(l:found, "\n")
endfunction

function! s:Where() abort
  return strpart(expand('%:p'), strlen($SMQ_FOLDER) + 1) . ':' . line('.')
endfunction

let s:words = []
function! PlayComplete(findstart, base) abort
  let l:result = ale#completion#OmniFunc(a:findstart, a:base)
  if !a:findstart
    let s:words = map(copy(l:result), 'v:val.word')
  endif
  return l:result
endfunction

function! s:Words() abort
  setlocal omnifunc=PlayComplete
  execute "normal! i\<C-x>\<C-o>\<C-e>\<Esc>"
  return join(s:words, "\n")
endfunction

" ALE asks at a prompt; where it lists choices, the answer is the number of one.
runtime autoload/ale/util.vim
function! ale#util#Input(prompt, ...) abort
  for l:line in split(a:prompt, "\n")
    if stridx(l:line, s:answer) >= 0 && l:line =~# '^\s*\d'
      return matchstr(l:line, '\d\+')
    endif
  endfor
  return s:answer
endfunction

function! s:Play(step) abort
  let l:name = $SMQ_FOLDER . '/' . a:step.file
  execute bufloaded(l:name) ? 'buffer ' . bufnr(l:name) : 'edit ' . fnameescape(l:name)
  call ale#Queue(0)
  if !empty(a:step.at)
    call s:Place(a:step.at)
  endif
  let s:answer = a:step.text
  if a:step.do is# 'diagnostics'
    return s:Watch(a:step, function('s:Messages'))
  elseif a:step.do is# 'fix'
    ALECodeAction
    return s:Watch(a:step, {-> s:Files(a:step)})
  elseif a:step.do is# 'hover'
    ALEHover
    return s:Watch(a:step, function('s:Preview'))
  elseif a:step.do is# 'completion'
    return s:Watch(a:step, function('s:Words'))
  elseif a:step.do is# 'definition'
    ALEGoToDefinition
    return s:Watch(a:step, function('s:Where'))
  elseif a:step.do is# 'rename'
    ALERename
    return s:Watch(a:step, {-> s:Files(a:step)})
  elseif a:step.do is# 'type'
    execute 'normal! i' . a:step.text
    call ale#Queue(0)
    return s:Watch(a:step, function('s:Messages'))
  endif
  throw 'No such operation: ' . a:step.do
endfunction

function! PlayAll() abort
  for l:step in json_decode(join(readfile($SMQ_STEPS), "\n"))
    try
      let l:seen = s:Play(l:step)
      let l:ok = s:Satisfied(l:step, l:seen)
    catch
      let l:seen = v:exception . ' at ' . v:throwpoint
      let l:ok = 0
    endtry
    let l:line = {'name': l:step.name, 'ok': l:ok ? v:true : v:false, 'seen': l:seen}
    call writefile([json_encode(l:line)], $SMQ_REPORT, 'a')
    silent! pclose
  endfor
  qall!
endfunction

" As if typed: in an autocommand ALE's own events would not run.
autocmd VimEnter * call feedkeys(":call PlayAll()\<CR>", 't')
