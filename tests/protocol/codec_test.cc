#include "protocol/record/codec.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <rapidcheck/gtest.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/record/endian.h"
#include "protocol/record/error.h"
#include "tests/protocol/record_test_util.h"

namespace leat {
namespace {

constexpr size_t kMiB = 1024 * 1024;
constexpr Codec kCompressing[] = {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

std::string Compressed(Codec codec, absl::string_view data) {
  std::string out;
  EXPECT_TRUE(Compress(codec, data, &out).ok());
  return out;
}

absl::StatusOr<std::string> Decompressed(Codec codec, absl::string_view data, size_t bytes_max = 64 * kMiB) {
  absl::StatusOr<std::string> out = Decompress(static_cast<uint8_t>(codec), data, bytes_max);
  // What can be opened lies within the bounds that its frames gave.
  if (out.ok()) {
    const absl::StatusOr<ContentSize> size = BoundContentSize(static_cast<uint8_t>(codec), data);
    EXPECT_TRUE(size.ok()) << CodecName(codec) << ": " << size.status();
    if (size.ok()) {
      EXPECT_LE(size->least, out->size()) << CodecName(codec);
      EXPECT_GE(size->most, out->size()) << CodecName(codec);
    }
  }
  return out;
}

// Bytes that compress a little, as text does.
std::string Text(size_t size) {
  std::string text;
  uint32_t state = 1;
  while (text.size() < size) {
    state = state * 1664525 + 1013904223;
    text += absl::StrCat("word", state >> 22, " ");
  }
  text.resize(size);
  return text;
}

RC_GTEST_PROP(CodecProperty, AnyBytesComeBack, ()) {
  const auto codec = *rc::gen::elementOf(std::vector<Codec>(std::begin(kAllCodecs), std::end(kAllCodecs)));
  const auto data = *rc::gen::arbitrary<std::string>();
  const auto prefix = *rc::gen::arbitrary<std::string>();
  std::string out = prefix;
  RC_ASSERT(Compress(codec, data, &out).ok());
  RC_ASSERT(out.substr(0, prefix.size()) == prefix);
  RC_ASSERT(Decompressed(codec, out.substr(prefix.size())).value() == data);
}

TEST(Codec, SizesAroundBlocksComeBack) {
  for (const Codec codec : kAllCodecs) {
    for (const size_t size : {size_t{0}, size_t{1}, 32 * 1024 - size_t{1}, 32 * 1024 + size_t{1},
                              64 * kMiB / 1024, 64 * 1024 + size_t{1}, 3 * kMiB + 17}) {
      const std::string text = Text(size);
      EXPECT_EQ(Decompressed(codec, Compressed(codec, text)).value(), text) << CodecName(codec) << size;
    }
  }
}

TEST(Codec, TheSizeOfWhatWeWriteIsKnownWithoutOpeningIt) {
  const std::string text = Text(3 * kMiB + 17);
  for (const Codec codec : kCompressing) {
    const ContentSize size = BoundContentSize(static_cast<uint8_t>(codec), Compressed(codec, text)).value();
    EXPECT_GE(size.most, text.size());
    EXPECT_LT(size.most, text.size() + 64 * 1024) << CodecName(codec);
    // The blocks of lz4 tell their limit only.
    if (codec != Codec::kLz4) {
      EXPECT_EQ(size.least, text.size()) << CodecName(codec);
    }
  }
}

TEST(Codec, LimitIsExact) {
  for (const std::string& data : {Text(300 * 1000), std::string(3 * kMiB + 1, 'z')}) {
    for (const Codec codec : kAllCodecs) {
      const std::string compressed = Compressed(codec, data);
      EXPECT_TRUE(Decompressed(codec, compressed, data.size()).ok()) << CodecName(codec);
      for (const size_t bytes_max : {data.size() - 1, size_t{0}}) {
        EXPECT_EQ(CodeOf(Decompressed(codec, compressed, bytes_max).status()), ErrorCode::kCorruptBatch);
      }
    }
  }
}

TEST(Codec, BombsStopAtTheLimit) {
  const std::string zeros(32 * kMiB, '\0');
  for (const Codec codec : kCompressing) {
    const std::string bomb = Compressed(codec, zeros);
    EXPECT_LT(bomb.size(), zeros.size() / 20) << CodecName(codec);
    EXPECT_EQ(CodeOf(Decompressed(codec, bomb, kMiB).status()), ErrorCode::kCorruptBatch) << CodecName(codec);
  }
}

TEST(Codec, RefusesEveryTruncation) {
  const std::string text = Text(70 * 1000);
  for (const Codec codec : kCompressing) {
    const std::string compressed = Compressed(codec, text);
    for (size_t cut = 0; cut < compressed.size(); cut += cut < 64 ? 1 : 397) {
      const absl::StatusOr<std::string> out = Decompressed(codec, compressed.substr(0, cut));
      // A snappy stream may end after any block; the records are then too few.
      if (codec == Codec::kSnappy && out.ok()) {
        EXPECT_LT(out->size(), text.size());
        continue;
      }
      EXPECT_EQ(CodeOf(out.status()), ErrorCode::kCorruptBatch) << CodecName(codec) << " cut at " << cut;
    }
  }
}

TEST(Codec, RefusesWhatFollowsTheEnd) {
  for (const Codec codec : kCompressing) {
    EXPECT_EQ(CodeOf(Decompressed(codec, Compressed(codec, "text") + "garbage").status()),
              ErrorCode::kCorruptBatch)
        << CodecName(codec);
  }
}

TEST(Codec, ReadsSeveralStreamsInARow) {
  const std::string text = Text(100 * 1000);
  for (const Codec codec : kCompressing) {
    const std::string twice = Compressed(codec, text) + Compressed(codec, "") + Compressed(codec, "tail");
    EXPECT_EQ(Decompressed(codec, twice).value(), text + "tail") << CodecName(codec);
  }
}

TEST(Codec, RefusesUnknownNumbers) {
  for (const uint8_t id : {5, 6, 7, 200}) {
    EXPECT_EQ(CodeOf(Decompress(id, "data", kMiB).status()), ErrorCode::kUnsupportedCodec);
  }
}

TEST(Gzip, RefusesRawDeflateAndZlib) {
  const std::string text = "text";
  std::string zlib(100, '\0');
  uLongf size = zlib.size();
  compress(reinterpret_cast<Bytef*>(zlib.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
           text.size());
  zlib.resize(size);
  EXPECT_FALSE(Decompressed(Codec::kGzip, zlib).ok());
  EXPECT_FALSE(Decompressed(Codec::kGzip, zlib.substr(2)).ok());
}

TEST(Snappy, WritesTheFramedStream) {
  const std::string framed = Compressed(Codec::kSnappy, std::string(40 * 1000, 'x'));
  EXPECT_EQ(framed.substr(0, 16), FromHex("82534e41505059000000000100000001"));
  size_t blocks = 0;
  for (size_t at = 16; at < framed.size(); ++blocks) {
    const auto length = LoadBigEndian<int32_t>(&framed[at]);
    size_t raw = 0;
    ASSERT_TRUE(snappy::GetUncompressedLength(&framed[at + 4], static_cast<size_t>(length), &raw));
    EXPECT_LE(raw, 32u * 1024);
    at += 4 + static_cast<size_t>(length);
  }
  EXPECT_EQ(blocks, 2u);
}

TEST(Snappy, ReadsOneBareBlockAndSwappedVersions) {
  const std::string text = Text(100 * 1000);
  std::string bare;
  snappy::Compress(text.data(), text.size(), &bare);
  EXPECT_EQ(Decompressed(Codec::kSnappy, bare).value(), text);
  std::string framed = Compressed(Codec::kSnappy, text);
  framed.replace(8, 8, FromHex("0100000001000000"));
  EXPECT_EQ(Decompressed(Codec::kSnappy, framed).value(), text);
}

TEST(Snappy, DoesNotBelieveADeclaredLength) {
  // The bare block says 60 MiB, 4 GiB - 1; there are a few bytes.
  EXPECT_EQ(CodeOf(Decompressed(Codec::kSnappy, FromHex("8080801e0061")).status()), ErrorCode::kCorruptBatch);
  EXPECT_EQ(CodeOf(Decompressed(Codec::kSnappy, FromHex("ffffffff0f0061")).status()),
            ErrorCode::kCorruptBatch);
  // A frame whose block says that it has 2^31 - 1 bytes, or -1.
  const std::string header = FromHex("82534e41505059000000000100000001");
  EXPECT_FALSE(Decompressed(Codec::kSnappy, header + FromHex("7fffffff0161")).ok());
  EXPECT_FALSE(Decompressed(Codec::kSnappy, header + FromHex("ffffffff0161")).ok());
  // The most that a block can give for its size is taken.
  const std::string run(65536, 'r');
  std::string block;
  snappy::Compress(run.data(), run.size(), &block);
  EXPECT_EQ(Decompressed(Codec::kSnappy, block).value(), run);
}

TEST(Lz4, WritesIndependentBlocksOf64KiBWithoutContentSize) {
  const std::string frame = Compressed(Codec::kLz4, Text(200 * 1000));
  EXPECT_EQ(frame.substr(0, 4), FromHex("04224d18"));
  EXPECT_EQ(frame.substr(4, 3), FromHex("604082"));  // version 1, independent, nothing else; 64 KiB; checksum
}

TEST(Lz4, ReadsWhatOthersMayWrite) {
  const std::string text = Text(9 * kMiB);
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max4MB;
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
  preferences.frameInfo.contentSize = text.size();
  std::string frame(LZ4F_compressFrameBound(text.size(), &preferences), '\0');
  frame.resize(LZ4F_compressFrame(frame.data(), frame.size(), text.data(), text.size(), &preferences));
  EXPECT_EQ(Decompressed(Codec::kLz4, frame).value(), text);
}

TEST(Zstd, ReadsFramesWithoutAContentSize) {
  const std::string text = Text(5 * kMiB);
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);  // a window of 128 MiB
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string frame(ZSTD_compressBound(text.size()), '\0');
  ZSTD_outBuffer out = {frame.data(), frame.size(), 0};
  ZSTD_inBuffer first = {text.data(), text.size() / 2, 0};
  ZSTD_inBuffer rest = {text.data() + text.size() / 2, text.size() - text.size() / 2, 0};
  ASSERT_EQ(ZSTD_isError(ZSTD_compressStream2(context, &out, &first, ZSTD_e_flush)), 0u);
  ASSERT_EQ(ZSTD_compressStream2(context, &out, &rest, ZSTD_e_end), 0u);
  ZSTD_freeCCtx(context);
  frame.resize(out.pos);
  ASSERT_EQ(ZSTD_getFrameContentSize(frame.data(), frame.size()), ZSTD_CONTENTSIZE_UNKNOWN);
  EXPECT_EQ(Decompressed(Codec::kZstd, frame).value(), text);
}

TEST(Zstd, DoesNotBelieveADeclaredSize) {
  // Magic, single segment with an 8-byte content size of 2^60, one empty last block.
  EXPECT_FALSE(Decompressed(Codec::kZstd, FromHex("28b52ffde00000000000000010010000")).ok());
}

}  // namespace
}  // namespace leat
