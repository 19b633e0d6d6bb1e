{-# LANGUAGE OverloadedStrings #-}

-- |
-- A client's life, and that of its queries.
--
-- Each client has a green thread, its driver, that waits for the library's one descriptor with 'threadWaitRead' and
-- then has the library do what there is to do. A query is handed to the library with a token, and its green thread
-- waits on an 'MVar'. Results come into the mailbox of the client, in whatever call on it; whoever made the call
-- empties the mailbox and wakes those that the results are for.
--
-- What C has is released in one place, at the end of the driver, when nobody is inside a call any more.
module Network.Confd.Internal.Core
  ( Core
  , coreStart
  , calling
  , coreQuery
  , shut
  , awaitEnd
  ) where

import Control.Concurrent (forkIO, rtsSupportsBoundThreads, threadWaitRead)
import Control.Concurrent.MVar
import Control.Exception
import Control.Monad (unless, void, when)
import Data.ByteString (ByteString)
import qualified Data.ByteString as ByteString
import Data.IORef
import Data.Map.Strict (Map)
import qualified Data.Map.Strict as Map
import Data.Maybe (fromMaybe)
import Data.Text (Text)
import qualified Data.Text as Text
import Data.Word (Word64)
import Foreign.Marshal.Alloc (alloca, free)
import Foreign.Ptr (Ptr, nullPtr)
import Foreign.Storable (peek, poke)
import Network.Confd.Exception
import Network.Confd.Internal.Foreign
import Network.Confd.Internal.Log
import Network.Confd.Internal.Marshal
import Network.Confd.Internal.Reply
import System.Posix.Types (Fd (..))

-- | A client, without the reference that keeps it open.
data Core = Core
  { coreHome :: !(Ptr Home)
  , coreUse :: !(IORef Use)
  , coreIdle :: !(MVar ())
  -- ^ Filled when the last call on a closing client returns.
  , coreGone :: !(MVar ())
  -- ^ Filled when everything is released.
  , corePending :: !(IORef Pending)
  , coreLog :: !(Maybe Log)
  }

-- | How many calls are inside C, and whether there may be new ones.
data Use = Use !Int !Bool

-- | Who waits, by token. A result whose token is not here is nobody's any more.
data Pending = Pending !Word64 !(Map Word64 (MVar (Either ConfdException Found)))

-- | Starts the driver of a client that was just made; whatever happens, the client is released. Masked.
coreStart :: Ptr Home -> Maybe Log -> IO Core
coreStart home log' = do
  core <- Core home <$> newIORef (Use 0 False) <*> newEmptyMVar <*> newEmptyMVar <*> newIORef none <*> pure log'
  fd <- descriptor home `onException` release core closedMeanwhile
  -- Masked like this thread: nobody has its name, and nothing is to end it but the client's own end.
  core <$ forkIO (drive core fd)
 where
  none = Pending 0 Map.empty

-- | The descriptor to wait for.
descriptor :: Ptr Home -> IO Fd
descriptor home = alloca $ \detail -> do
  poke detail nullPtr
  fd <- c_fd home detail
  when (fd < 0) $ do
    ConfdException _ text <- peek detail >>= failure 0
    throwIO (ConfdException IoError text)
  -- The run-time system without threads waits with select(), and ends the program where that cannot.
  when (not rtsSupportsBoundThreads && fd >= 1024) . throwIO $
    ConfdException IoError "the program has too many descriptors to wait for one more without -threaded"
  pure (Fd fd)

-- | The driver. It ends when the client is closed, or the library has failed.
drive :: Core -> Fd -> IO ()
drive core fd = do
  end <- try loop
  release core (either reason id end)
 where
  loop :: IO ConfdException
  loop = do
    waited <- try (threadWaitRead fd)
    case waited of
      Left problem -> pure (ConfdException IoError ("cannot wait for the client: " <> shown (problem :: IOException)))
      Right () -> do
        checked (c_process (coreHome core)) `finally` collect core
        loop
  reason :: SomeException -> ConfdException
  reason problem = fromMaybe (ConfdException Internal ("the client's thread has ended: " <> shown problem)) (fromException problem)
  shown :: Show e => e -> Text
  shown = Text.pack . show

-- | Ends a client for good, when the calls on it have returned. What still waits gets this exception.
release :: Core -> ConfdException -> IO ()
release core why = do
  busy <- atomicModifyIORef' (coreUse core) $ \(Use calls _) -> (Use calls True, calls > 0)
  when busy . uninterruptibleMask_ $ takeMVar (coreIdle core)
  c_end (coreHome core)
  collect core
  left <- atomicModifyIORef' (corePending core) $ \(Pending next waiting) -> (Pending next Map.empty, waiting)
  mapM_ (\slot -> tryPutMVar slot (Left why)) left
  c_destroy (coreHome core)
  putMVar (coreGone core) ()

-- | Makes a call on the client, unless it is closed, and sees to what came into the mailbox. Nothing interrupts it:
-- the calls do not block.
calling :: Core -> (Ptr Home -> IO a) -> IO a
calling core act = mask_ $ do
  entered <- atomicModifyIORef' (coreUse core) $ \use@(Use calls closing) ->
    if closing then (use, False) else (Use (calls + 1) False, True)
  unless entered $ throwIO closedMeanwhile
  act (coreHome core) `finally` (collect core >> leave core)

leave :: Core -> IO ()
leave core = do
  idle <- atomicModifyIORef' (coreUse core) $ \(Use calls closing) ->
    (Use (calls - 1) closing, closing && calls == 1)
  when idle . void $ tryPutMVar (coreIdle core) ()

-- | Empties the mailbox. Masked, and blocks nowhere.
collect :: Core -> IO ()
collect core = do
  c_take_done (coreHome core) >>= results
  case coreLog core of
    Nothing -> pure ()
    Just log' -> c_take_lines (coreHome core) >>= texts >>= addLines log'
 where
  results at = unless (at == nullPtr) $ do
    done <- peekDone at
    waiting <- forget core (doneToken done)
    case waiting of
      Nothing -> pure ()
      Just slot -> fromDone at done >>= void . tryPutMVar slot . Right
    c_done_free at
    results (doneNext done)
  texts at
    | at == nullPtr = pure []
    | otherwise = do
        (next, level, message) <- peekLine at
        text <- peekText message
        free at
        ((level, text) :) <$> texts next

-- | Takes a waiting query from the list.
forget :: Core -> Word64 -> IO (Maybe (MVar (Either ConfdException Found)))
forget core token = atomicModifyIORef' (corePending core) $ \(Pending next waiting) ->
  case Map.updateLookupWithKey (\_ _ -> Nothing) token waiting of
    (slot, rest) -> (Pending next rest, slot)

-- | Asks a question and waits for what it finds. Interrupted, it cancels the question and throws on.
coreQuery :: Core -> ((Ptr Question -> IO ()) -> IO ()) -> IO (Either ConfdException Found)
coreQuery core question = mask_ $ do
  slot <- newEmptyMVar
  token <- atomicModifyIORef' (corePending core) $ \(Pending next waiting) ->
    (Pending (next + 1) (Map.insert next slot waiting), next)
  salt <- ask token `onException` forget core token
  -- The one place where it can be interrupted. What has come by then is not lost: takeMVar does not block on it.
  takeMVar slot `onException` abandon token salt
 where
  ask :: Word64 -> IO ByteString
  ask token = calling core $ \home -> alloca $ \salt -> do
    question $ \asked -> checked (c_ask home asked token salt)
    text <- peek salt
    ByteString.packCString text <* free text
  abandon token salt = do
    void (forget core token)
    -- Where the client is closed, or the query has ended, there is nothing to cancel.
    try' . calling core $ \home -> ByteString.useAsCString salt (checked . c_cancel home)
  try' act = void (try act :: IO (Either ConfdException ()))

-- | Begins the client's end. Blocks nowhere; any number of times.
shut :: Core -> IO ()
shut core = mask_ $ do
  first <- atomicModifyIORef' (coreUse core) $ \use@(Use calls closing) ->
    if closing then (use, False) else (Use (calls + 1) True, True)
  when first $ do
    inherited <- c_inherited (coreHome core)
    if inherited /= 0
      then abandonInherited
      else void (closeHome (coreHome core)) `finally` (collect core >> leave core)
 where
  closeHome home = try (checked (c_close home)) :: IO (Either ConfdException ())
  -- A forked process has neither the driver nor those that were inside calls.
  abandonInherited = do
    c_end (coreHome core)
    c_destroy (coreHome core)
    mapM_ abandonLog (coreLog core)
    putMVar (coreGone core) ()

-- | Waits until everything is released and nothing is called any more.
awaitEnd :: Core -> IO ()
awaitEnd core = do
  readMVar (coreGone core)
  mapM_ endLog (coreLog core)

closedMeanwhile :: ConfdException
closedMeanwhile = ConfdException Closed "the client is closed"
