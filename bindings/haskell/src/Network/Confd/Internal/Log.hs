{-# LANGUAGE OverloadedStrings #-}

-- |
-- Lines of the log on their way to the program's function, which runs on a green thread of its own: it may block or
-- throw, and holds up nobody.
module Network.Confd.Internal.Log
  ( Log
  , newLog
  , addLines
  , endLog
  , abandonLog
  ) where

import Control.Concurrent (ThreadId, forkIOWithUnmask, myThreadId)
import Control.Concurrent.MVar
import Control.Exception (SomeException, mask_, try)
import Control.Monad (unless, void, when)
import Data.Foldable (toList)
import Data.IORef
import Data.Int (Int32)
import Data.Sequence (Seq, (|>))
import qualified Data.Sequence as Seq
import Data.Text (Text)
import qualified Data.Text as Text
import Network.Confd.Options (LogLevel (..))

data Log = Log
  { logWaiting :: !(IORef Waiting)
  , logSignal :: !(MVar ())
  , logDone :: !(MVar ())
  , logThread :: !ThreadId
  }

data Waiting = Waiting
  { waitingLines :: !(Seq (LogLevel, Text))
  , waitingDropped :: !Int
  , waitingEnded :: !Bool
  }

-- | Starts it.
newLog :: (LogLevel -> Text -> IO ()) -> IO Log
newLog say = mask_ $ do
  waiting <- newIORef (Waiting Seq.empty 0 False)
  signal <- newEmptyMVar
  done <- newEmptyMVar
  thread <- forkIOWithUnmask $ \unmask -> do
    let run = do
          takeMVar signal
          taken <- atomicModifyIORef' waiting $ \w -> (w {waitingLines = Seq.empty, waitingDropped = 0}, w)
          mapM_ pass (toList (waitingLines taken))
          when (waitingDropped taken > 0) $ pass (LogWarning, dropped (waitingDropped taken))
          -- Lines come no more after the end, and those before it are in what was taken.
          unless (waitingEnded taken) run
        pass (level, line) = void (try (unmask (say level line)) :: IO (Either SomeException ()))
    run
    putMVar done ()
  pure (Log waiting signal done thread)
 where
  dropped count = Text.pack (show count) <> " lines for the log were dropped, since they came faster than it took them"

-- | Adds lines. Never blocks.
addLines :: Log -> [(Int32, Text)] -> IO ()
addLines log' new = do
  atomicModifyIORef' (logWaiting log') $ \w -> (foldl add w new, ())
  unless (null new) . void $ tryPutMVar (logSignal log') ()
 where
  add w (level, line)
    | Seq.length (waitingLines w) >= 1024 = w {waitingDropped = waitingDropped w + 1}
    | otherwise = w {waitingLines = waitingLines w |> (logLevel level, line)}

logLevel :: Int32 -> LogLevel
logLevel number
  | number <= 0 = LogDebug
  | number == 1 = LogInfo
  | number == 2 = LogWarning
  | otherwise = LogError

-- | Says that there will be no more lines, and waits until those that there are have been passed on; inside the
-- function itself it does not wait.
endLog :: Log -> IO ()
endLog log' = do
  atomicModifyIORef' (logWaiting log') $ \w -> (w {waitingEnded = True}, ())
  void $ tryPutMVar (logSignal log') ()
  me <- myThreadId
  unless (me == logThread log') $ readMVar (logDone log')

-- | Ends it in a forked process, which does not have the thread.
abandonLog :: Log -> IO ()
abandonLog log' = void $ tryPutMVar (logDone log') ()
