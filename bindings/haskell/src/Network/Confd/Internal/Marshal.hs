{-# LANGUAGE OverloadedStrings #-}

-- |
-- Texts, numbers and errors on their way to C and back.
module Network.Confd.Internal.Marshal
  ( failure
  , checked
  , invalid
  , ranged
  , withText
  , withMaybeText
  , withTexts
  , peekText
  , takeText
  ) where

import Control.Exception (throwIO)
import Control.Monad (when)
import qualified Data.ByteString as ByteString
import Data.Int (Int32)
import Data.Text (Text)
import qualified Data.Text as Text
import Data.Text.Encoding (decodeUtf8With, encodeUtf8)
import Data.Text.Encoding.Error (lenientDecode)
import Foreign.C.String (CString)
import Foreign.C.Types (CSize)
import Foreign.Marshal.Alloc (alloca, free)
import Foreign.Marshal.Array (withArray)
import Foreign.Marshal.Utils (withMany)
import Foreign.Ptr (Ptr, nullPtr)
import Foreign.Storable (peek, poke)
import Network.Confd.Exception

-- | An exception for a code of the library, with the detail that the call gave, which this releases.
failure :: Int32 -> CString -> IO ConfdException
failure code detail
  | detail == nullPtr = pure (ConfdException (Code code) "no memory for the detail")
  | otherwise = ConfdException (Code code) <$> takeText detail

-- | Makes a call that gives a code and a detail; throws what went wrong.
checked :: (Ptr CString -> IO Int32) -> IO ()
checked call = alloca $ \detail -> do
  poke detail nullPtr
  code <- call detail
  when (code /= 0) $ peek detail >>= failure code >>= throwIO

-- | An argument that C is not even asked about.
invalid :: Text -> IO a
invalid = throwIO . ConfdException InvalidArgument

-- | A number that C is to get as a narrower one. Out of range, it would become another number.
ranged :: Integral narrow => Text -> Int -> Int -> Int -> IO narrow
ranged what least most number
  | number < least || number > most =
      invalid (what <> " is " <> shown number <> ", not " <> shown least <> " to " <> shown most)
  | otherwise = pure (fromIntegral number)
 where
  shown = Text.pack . show

-- | A text as C has it. U+0000 would end it early, and make it mean something else.
withText :: Text -> (CString -> IO a) -> IO a
withText text act = do
  when (Text.any (== '\0') text) $ invalid "a text holds U+0000"
  ByteString.useAsCString (encodeUtf8 text) act

-- | The same, or a null pointer.
withMaybeText :: Maybe Text -> (CString -> IO a) -> IO a
withMaybeText = maybe ($ nullPtr) withText

-- | An array of texts, and its length.
withTexts :: [Text] -> (Ptr CString -> CSize -> IO a) -> IO a
withTexts texts act =
  withMany withText texts $ \strings ->
    withArray strings $ \array -> act array (fromIntegral (length strings))

-- | A text of the library, which it promises to be UTF-8.
peekText :: CString -> IO Text
peekText text = decodeUtf8With lenientDecode <$> ByteString.packCString text

-- | The same, released.
takeText :: CString -> IO Text
takeText text = peekText text <* free text
