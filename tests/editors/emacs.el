;;; emacs.el --- play the steps in Emacs with eglot, in batch mode  -*- lexical-binding: t -*-

;; Plays the steps of $SMQ_STEPS; the outcome of each is a line of $SMQ_REPORT.
;; Loaded after the configuration.  Works from Emacs 28 with eglot 1.9.

(require 'cl-lib)
(require 'json)
(require 'eglot)
(require 'flymake)
(require 'xref)

(setq make-backup-files nil create-lockfiles nil auto-save-default nil
      eglot-sync-connect 60 eglot-connect-timeout 120 eglot-autoshutdown nil
      inhibit-message t vc-handled-backends nil)

(defvar play-folder (file-name-as-directory (getenv "SMQ_FOLDER")))
(defvar play-patience (string-to-number (getenv "SMQ_PATIENCE")))
(defvar play-shown nil "What eldoc would show.")

(defun play-satisfied (step seen)
  (and (cl-every (lambda (text) (string-search text seen)) (alist-get 'shows step))
       (cl-notany (lambda (text) (string-search text seen)) (alist-get 'hides step))))

(defun play-watch (step look)
  "Look until STEP is satisfied or patience ends; what was seen last."
  (let ((end (+ (float-time) play-patience)) (seen (funcall look)))
    (while (and (not (play-satisfied step seen)) (< (float-time) end))
      (accept-process-output nil 0.03)
      (setq seen (funcall look)))
    seen))

(defun play-place (at)
  (let ((caret (cl-position ?^ at)))
    (goto-char (point-min))
    (search-forward (concat (substring at 0 caret) (substring at (1+ caret))))
    (goto-char (+ (match-beginning 0) caret))))

(defun play-open (file)
  (switch-to-buffer (find-file-noselect (expand-file-name file play-folder)))
  ;; eglot-ensure waits for the command loop, which batch mode has not.
  (unless (eglot-managed-p)
    (apply #'eglot (eglot--guess-contact)))
  ;; Flymake waits for the buffer to be displayed.
  (flymake-start))

(defun play-files (step)
  (mapconcat (lambda (file)
               (with-current-buffer (find-file-noselect (expand-file-name file play-folder))
                 (buffer-string)))
             (alist-get 'files step) "\n"))

(defun play-messages ()
  (mapconcat #'flymake-diagnostic-text (flymake-diagnostics) "\n"))

(defun play-hover ()
  (setq play-shown nil)
  (setq-local eldoc-display-functions
              (list (lambda (docs _interactive)
                      (setq play-shown (append (mapcar #'car docs) play-shown)))))
  (eldoc-mode 1)
  (eldoc-print-current-symbol-info t))

(defun play-words ()
  (pcase-let ((`(,begin ,_end ,table . ,rest)
               (run-hook-with-args-until-success 'completion-at-point-functions)))
    (mapconcat #'identity
               (all-completions (buffer-substring begin (point)) table
                                (plist-get rest :predicate))
               "\n")))

(defun play-fix (title)
  (let ((last-nonmenu-event ?\r)        ; or it asks in a menu for the mouse
        (completing-read-function
         (lambda (_prompt table &rest _)
           (cl-find-if (lambda (each) (string-search title each)) (all-completions "" table)))))
    (eglot-code-actions (point) (1+ (point)) nil t)))

(defun play-rename (name)
  (cl-letf (((symbol-function 'y-or-n-p) #'always)
            ((symbol-function 'yes-or-no-p) #'always))
    (eglot-rename name)))

(defun play-definition ()
  (xref-find-definitions (xref-backend-identifier-at-point (xref-find-backend)))
  ;; eglot 1.9 leaves what it takes out of a URI in bytes.
  (let ((name (encode-coding-string (file-relative-name buffer-file-name play-folder) 'raw-text)))
    (format "%s:%d" (decode-coding-string name 'utf-8) (line-number-at-pos))))

(defun play-step (step)
  "Do STEP; what was seen in the end."
  (play-open (alist-get 'file step))
  (unless (string-empty-p (alist-get 'at step)) (play-place (alist-get 'at step)))
  (pcase (alist-get 'do step)
    ("diagnostics" (play-watch step #'play-messages))
    ("fix" (play-fix (alist-get 'text step)) (play-watch step (lambda () (play-files step))))
    ("hover" (play-hover)
     (play-watch step (lambda () (mapconcat #'substring-no-properties play-shown "\n"))))
    ("completion" (play-watch step #'play-words))
    ("definition" (play-definition))
    ("rename" (play-rename (alist-get 'text step))
     (play-watch step (lambda () (play-files step))))
    ("type" (insert (alist-get 'text step))
     ;; The idle timer that sends edits does not run in batch mode.
     (eglot--signal-textDocument/didChange)
     (play-watch step #'play-messages))
    (other (error "No such operation: %s" other))))

(defun play-report (name ok seen)
  (let ((coding-system-for-write 'utf-8))
    (write-region (concat (json-encode `((name . ,name) (ok . ,(if ok t :json-false)) (seen . ,seen)))
                          "\n")
                  nil (getenv "SMQ_REPORT") t 'quiet)))

(let* ((json-array-type 'list)
       (coding-system-for-read 'utf-8)
       (steps (json-read-file (getenv "SMQ_STEPS"))))
  (dolist (step steps)
    (condition-case problem
        (let ((seen (play-step step)))
          (play-report (alist-get 'name step) (play-satisfied step seen)
                       (substring-no-properties seen)))
      (error (play-report (alist-get 'name step) nil (error-message-string problem))))
    (when (fboundp 'eglot--signal-textDocument/didChange)
      (dolist (buffer (buffer-list))
        (with-current-buffer buffer
          (when (and buffer-file-name (eglot-managed-p))
            (eglot--signal-textDocument/didChange))))))
  (ignore-errors (eglot-shutdown-all))
  (kill-emacs 0))
;;; emacs.el ends here
